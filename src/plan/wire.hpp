// SPDX-License-Identifier: Apache-2.0
// The messages between the host program and the stage: the plan (sealed, one way) and reports (16 bytes, the
// other way). Freestanding, and the only protocol there is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/init_step.hpp"

namespace bulkhead::plan {

// The plan's first bytes; the init steps follow at `steps_at`, the arena at `arena_at`.
struct PlanHeader {
    static constexpr std::uint32_t expected_magic = 0x626c6b31;  // "blk1"

    std::uint32_t magic = expected_magic;
    std::uint32_t size = 0;  // of the whole plan, in bytes
    std::uint32_t steps_at = 0;
    std::uint32_t step_count = 0;
    std::uint32_t arena_at = 0;
    std::uint32_t slot_count = 0;   // descriptors handed over after plan and report socket
    std::uint32_t traced = 0;       // 1: time every step
    std::int32_t fault_step = -1;   // fault injection: the number of the step ...
    std::int32_t fault_action = 0;  // ... and the errno that it fails with, or Fault::killed
};

// Descriptors reach the stage at base, base + 1, ...; the base is its argv[1], in decimal.
enum Handover : int { handover_plan = 0, handover_report = 1, handover_slots = 2 };

// The system call that failed inside a step; `check`: a look of the step's own.
// clang-format off
#define BULKHEAD_CALLS(X) \
    X(bind) X(capset) X(check) X(chroot) X(clone) X(close_range) X(dup3) X(execve) X(faccessat) X(fchdir) \
    X(fchown) X(fsconfig) X(fsmount) X(fsopen) X(fspick) X(fstat) X(getcwd) X(getdents64) X(ioctl) \
    X(ioprio_set) X(keyctl) X(mkdirat) X(mknodat) X(mount) X(mount_setattr) X(move_mount) X(open_tree) \
    X(openat) X(openat2) X(personality) X(pivot_root) X(poll) X(prctl) X(prlimit) X(read) X(readlinkat) \
    X(sched_setaffinity) X(sched_setattr) X(seccomp) X(sendfile) X(sendmsg) X(set_mempolicy) \
    X(setdomainname) X(setgroups) X(sethostname) X(setns) X(setresgid) X(setresuid) X(setsid) X(sigaction) \
    X(socket) X(symlinkat) X(umount) X(unlinkat) X(unshare) X(write)
#define X(name) name,
enum class Call : std::uint16_t { none, BULKHEAD_CALLS(X) call_count };
#undef X
// clang-format on

const char* name_of(Call call);  // host side: plan/explain.cpp

// The result of a step of the stage: errno 0 is success.
struct Outcome {
    std::int32_t error = 0;
    Call call = Call::none;

    explicit operator bool() const { return error == 0; }
};

enum class ReportKind : std::uint16_t {
    failed = 1,  // the step, the call and its errno; the stage exits
    ready,       // everything but the start is done
    terminal,    // carries the pty's master as SCM_RIGHTS
    executing,   // the next call is execve; the times of all steps follow the report, if traced
    at_fault,    // fault injection: the stage waits to be killed
    respawned,   // `error` is the pid of the copy, as the host counts
    listening,   // `error` is the number of the seccomp listener that comes next
};

struct Report {
    ReportKind kind;
    std::uint16_t step = 0;
    std::int32_t error = 0;
    Call call = Call::none;
    std::uint16_t reserved = 0;
    std::uint32_t times = 0;  // executing: how many Times follow
};
static_assert(sizeof(Report) == 16);

// CLOCK_MONOTONIC in nanoseconds at the end of a step.
struct StepTime {
    std::uint64_t ended;
    std::uint32_t step;
    std::uint32_t reserved;
};

inline constexpr std::size_t timed_steps = 1024;

// The host's messages: to the child that is not the stage yet, and to the stage.
inline constexpr char prepared_message = 'p';
inline constexpr char go_message = 'g';

// Fault injection for the tests (tests/faults): at step `step` fail with errno `action`, or be killed.
struct Fault {
    static constexpr int killed = -1;

    int step = -1;
    int action = 0;
};

}  // namespace bulkhead::plan
