// SPDX-License-Identifier: Apache-2.0
// The compiled form of a profile: classic BPF for seccomp(2). Plain values.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <span>
#include <vector>

#include "spec/profile.hpp"

namespace bulkhead::seccomp {

struct Program {
    std::vector<sock_filter> instructions;
    std::uint32_t flags = 0;  // SECCOMP_FILTER_FLAG_*, NEW_LISTENER among them if it notifies
    bool notifies = false;    // a rule has SCMP_ACT_NOTIFY: the load gives a listener
};

// SECCOMP_FILTER_FLAG_*
constexpr std::uint32_t kernel_flag(spec::SeccompFlag flag) {
    switch (flag) {
        case spec::SeccompFlag::tsync: return SECCOMP_FILTER_FLAG_TSYNC;
        case spec::SeccompFlag::log: return SECCOMP_FILTER_FLAG_LOG;
        case spec::SeccompFlag::spec_allow: return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        case spec::SeccompFlag::wait_killable_recv: return SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;  // 5.19
    }
    return 0;
}

// True if it is a program that compile could have made: 1 to BPF_MAXINSNS instructions of the kinds it uses,
// loads within seccomp_data, every jump to a place inside, a return as the last one.
bool is_sound(std::span<const sock_filter> program);

}  // namespace bulkhead::seccomp
