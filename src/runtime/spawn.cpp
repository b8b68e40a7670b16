// SPDX-License-Identifier: Apache-2.0
// SPAWN: clone3 into the cgroup and the new namespaces, and the stage in the child. From here on there are
// two walkers of one list.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/raw_call.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/process_identity.hpp"
#include "runtime/stage_file.hpp"

namespace bulkhead::runtime {

namespace {

// What the child needs, made before it exists: it calls nothing but the kernel.
struct Handover {
    int stage;
    int report;
    std::array<int, plan::handover_slots + plan::slot_limit> descriptors;
    int count = 0;
    int base = 0;
    char base_text[16] = {};

    void add(int fd) {
        descriptors[static_cast<std::size_t>(count++)] = fd;
        base = std::max(base, fd + 1);
    }
};

Result<Handover> prepare(const Workshop& workshop, int stage, int plan, int report) {
    Handover handover{.stage = stage, .report = report, .descriptors = {}};
    handover.add(plan);
    handover.add(report);
    for (const Fd& slot : workshop.slots) handover.add(slot.number());
    *std::to_chars(handover.base_text, handover.base_text + 15, handover.base).ptr = '\0';
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t needed = static_cast<rlim_t>(handover.base) + static_cast<rlim_t>(handover.count);
    if (limit.rlim_cur < needed)
        return fail(Kind::kernel, "RLIMIT_NOFILE of the runtime is ", limit.rlim_cur, ", and ", needed,
                    " descriptors are needed");
    return handover;
}

// The child between clone3 and execve: copies the descriptors to the numbers where the stage expects them,
// and becomes the stage. The copies survive the exec, their originals do not.
[[noreturn]] void become_stage(const Handover& handover, std::uint16_t step) noexcept {
    for (int i = 0; i < handover.count; ++i)
        raw::call(__NR_dup3, long{handover.descriptors[static_cast<std::size_t>(i)]}, long{handover.base + i},
                  0L);
    const char* const argv[] = {"bulkhead-init", handover.base_text, nullptr};
    const char* const envp[] = {nullptr};
    const long failed = raw::call(__NR_execveat, long{handover.stage}, "", argv, envp, long{AT_EMPTY_PATH});
    const plan::Report report{plan::ReportKind::failed, step, static_cast<std::int32_t>(-failed),
                              plan::Call::execve};
    raw::call(__NR_write, long{handover.report}, &report, sizeof report);
    for (;;) raw::call(__NR_exit_group, 1L);
}

// An empty slot is one that no bind mount uses; the stage gets something harmless in its place.
Result<> fill_empty_slots(Workshop& workshop) {
    for (Fd& slot : workshop.slots) {
        if (slot) continue;
        LET(slot, sys::open("/dev/null", O_PATH));
    }
    return {};
}

}  // namespace

// The attributes are set while nothing can reach the mount. Propagation: what the host mounts later below a
// shared source arrives (runc's default, rslave), what the container does stays inside.
Result<> apply(Workshop& workshop, const StepContext&, const plan::CloneTree& op) {
    LET(const Fd source, sys::open(op.path, O_PATH));
    LET(Fd tree, sys::clone_tree(source.number(), "", op.recursive));
    TRY(sys::set_mount_attributes(tree.number(), op.recursive, 0, 0, MS_SLAVE));
    if ((op.set | op.clear) != 0) TRY(sys::set_mount_attributes(tree.number(), false, op.set, op.clear, 0));
    workshop.slots[op.slot.index] = std::move(tree);
    return {};
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::Spawn& op) {
    TRY(fill_empty_slots(workshop));
    LET(const Fd stage, stage_file());
    const std::string plan_bytes = context.timeline.flatten(workshop.traced, workshop.fault);
    LET(const Fd plan, plan_file(plan_bytes));
    LET(auto ends, sys::message_pair());
    LET(const Handover handover, prepare(workshop, stage.number(), plan.number(), ends.second.number()));
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = op.namespaces | CLONE_PIDFD | CLONE_INTO_CGROUP;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(workshop.cgroup.number());
    (void)::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it would have the kernel reap init for us
    LET(const pid_t pid, sys::clone_process(arguments));
    if (pid == 0) become_stage(handover, static_cast<std::uint16_t>(context.number));
    workshop.state.pid = pid;
    workshop.process = Fd(pidfd);
    workshop.report = std::move(ends.first);
    return {};
}

void undo(Workshop& workshop, const plan::Spawn&) {
    (void)sys::signal_process(workshop.process.number(), SIGKILL);
    (void)sys::wait_process(workshop.process.number());
}

// The stage may have failed already, but it is not reaped: its pid is still its own.
Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordProcess&) {
    if (const auto status = process_status(workshop.state.pid))
        workshop.state.start_time = status->start_time;
    return save(workshop.directory.number(), workshop.state);
}

}  // namespace bulkhead::runtime
