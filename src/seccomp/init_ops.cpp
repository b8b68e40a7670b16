// SPDX-License-Identifier: Apache-2.0
#include "seccomp/init_ops.hpp"

#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/seccomp.h>

namespace bulkhead::seccomp {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// struct sock_fprog; linux/filter.h has it, too, with a pointer that wants const taken away.
struct Program {
    std::uint16_t count;
    const void* instructions;
};

}  // namespace

Outcome apply(StageContext& stage, const plan::MapHandshake& op) {
    const long page =
        raw::call(__NR_mmap, 0L, 4096L, long{PROT_READ}, long{MAP_SHARED}, long{stage.fd(op.page)}, 0L);
    if (page < 0 && page > -4096) return outcome(page, plan::Call::check);
    stage.handshake =
        reinterpret_cast<const volatile std::uint32_t*>(page);  // NOLINT(performance-no-int-to-ptr)
    return {};
}

Outcome apply(StageContext& stage, const plan::ReportListener&) {
    const long expected = raw::call(__NR_dup, long{stage.report});
    ATTEMPT(expected, dup3);
    raw::close(static_cast<int>(expected));
    const plan::Report body{.kind = plan::ReportKind::listening,
                            .error = static_cast<std::int32_t>(expected)};
    return outcome(raw::call(__NR_write, long{stage.report}, &body, sizeof body), plan::Call::write);
}

Outcome apply(StageContext& stage, const plan::LoadSeccomp& op) {
    const Program program{static_cast<std::uint16_t>(op.program.count / 2), stage.arena.numbers(op.program)};
    return outcome(
        raw::call(__NR_seccomp, long{SECCOMP_SET_MODE_FILTER}, static_cast<long>(op.flags), &program),
        plan::Call::seccomp);
}

// The filter may hand any system call to a listener that nobody has, exit_group among them: if the host has
// died, only a trap ends this wait. A living host gives up after seconds and kills the stage.
Outcome apply(StageContext& stage, const plan::AwaitDelivery&) {
    for (;;) {
        const std::uint32_t word = *stage.handshake;
        if (word == 0) return {};
        if ((word & FUTEX_OWNER_DIED) != 0) __builtin_trap();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

}  // namespace bulkhead::seccomp
