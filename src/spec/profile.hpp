// SPDX-License-Identifier: Apache-2.0
// linux.seccomp (config-linux.md, "Seccomp"), a part of spec.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::spec {

enum class SeccompAction : std::uint8_t {
    kill_thread,  // also written SCMP_ACT_KILL
    kill_process,
    trap,
    error,  // SCMP_ACT_ERRNO
    trace,
    allow,
    log,
    notify,
};

enum class SeccompArch : std::uint8_t {
    x86,
    x86_64,
    x32,
    arm,
    aarch64,
    mips,
    mips64,
    mips64n32,
    mipsel,
    mipsel64,
    mipsel64n32,
    ppc,
    ppc64,
    ppc64le,
    s390,
    s390x,
    parisc,
    parisc64,
    riscv64,
    loongarch64,
    m68k,
    sh,
    sheb,
};

enum class SeccompFlag : std::uint8_t { tsync, log, spec_allow, wait_killable_recv };

enum class SeccompOp : std::uint8_t { ne, lt, le, eq, ge, gt, masked_eq };

struct SeccompArg {
    std::uint32_t index = 0;  // 0 to 5
    std::uint64_t value = 0;  // the mask, for masked_eq
    std::uint64_t value_two = 0;
    SeccompOp op = SeccompOp::eq;
};

struct SeccompSyscall {
    std::vector<std::string> names;
    SeccompAction action = SeccompAction::allow;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArg> args;
};

struct Seccomp {
    SeccompAction default_action = SeccompAction::allow;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<SeccompArch> architectures;
    std::optional<std::vector<SeccompFlag>>
        flags;  // absent: runc adds SPEC_ALLOW; an empty list adds nothing
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompSyscall> syscalls;
};

}  // namespace bulkhead::spec
