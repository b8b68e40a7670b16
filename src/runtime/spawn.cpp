// SPDX-License-Identifier: Apache-2.0
// SPAWN: clone3 into the cgroup and the new namespaces, and the stage in the child. From here on there are
// two walkers of one list.
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/raw_call.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "cgroups/group.hpp"
#include "namespaces/visit.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"
#include "runtime/stage_file.hpp"

namespace bulkhead::runtime {

namespace {

// What the child needs, made before it exists: it calls nothing but the kernel.
struct Handover {
    int stage;
    int report;
    std::vector<int> descriptors;  // not on the stack, which a caller may have limited to little
    int base = 0;
    char base_text[16] = {};
    bool waits = false;                 // for SendPrepared
    int host_end = -1;                  // of the report socket
    std::optional<plan::InnerIds> ids;  // then taken

    void add(int fd) {
        descriptors.push_back(fd);
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
    const rlim_t needed = static_cast<rlim_t>(handover.base) + handover.descriptors.size();
    if (limit.rlim_cur < needed)
        return fail(Kind::kernel, "RLIMIT_NOFILE of the runtime is ", limit.rlim_cur, ", and ", needed,
                    " descriptors are needed");
    return handover;
}

[[noreturn]] void report_and_exit(const Handover& handover, std::uint16_t step, long failed,
                                  plan::Call call) noexcept {
    const plan::Report report{plan::ReportKind::failed, step, static_cast<std::int32_t>(-failed), call};
    raw::call(__NR_write, long{handover.report}, &report, sizeof report);
    for (;;) raw::call(__NR_exit_group, 1L);
}

// Raises every capability that the process has to the ambient set: execve takes the others from whoever is
// not user 0 of its user namespace.
void keep_capabilities() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    raw::call(__NR_capget, &header, sets);
    for (__user_cap_data_struct& set : sets) set.inheritable = set.permitted;
    raw::call(__NR_capset, &header, sets);
    for (long capability = 0; capability < 64; ++capability)
        raw::call(__NR_prctl, long{PR_CAP_AMBIENT}, long{PR_CAP_AMBIENT_RAISE}, capability, 0L, 0L);
}

// In a new user namespace the child is nobody until the host has written the maps.
void take_ids(const Handover& handover, std::uint16_t step) noexcept {
    raw::call(__NR_close, long{handover.host_end});  // our copy would outlive a host that dies now
    char message = 0;
    const long count = raw::call(__NR_read, long{handover.report}, &message, 1L);
    if (count != 1 || message != plan::prepared_message)
        report_and_exit(handover, step, -ECANCELED, plan::Call::read);
    if (!handover.ids) return;
    const long uid = handover.ids->uid, gid = handover.ids->gid;
    raw::call(__NR_setgroups, 0L, 0L);  // the caller's must not be seen inside; refused where all are denied
    if (const long set = raw::call(__NR_setresgid, gid, gid, gid); set < 0)
        report_and_exit(handover, step, set, plan::Call::setresgid);
    if (const long set = raw::call(__NR_setresuid, uid, uid, uid); set < 0)
        report_and_exit(handover, step, set, plan::Call::setresuid);
    if (uid != 0) keep_capabilities();
}

// The child between clone3 and execve: copies the descriptors to the numbers where the stage expects them,
// and becomes the stage. The copies survive the exec, their originals do not.
[[noreturn]] void become_stage(const Handover& handover, std::uint16_t step) noexcept {
    if (handover.waits) take_ids(handover, step);
    for (std::size_t i = 0; i < handover.descriptors.size(); ++i)
        raw::call(__NR_dup3, long{handover.descriptors[i]}, handover.base + static_cast<long>(i), 0L);
    const char* const argv[] = {"bulkhead-init", handover.base_text, nullptr};
    const char* const envp[] = {nullptr};
    const long failed = raw::call(__NR_execveat, long{handover.stage}, "", argv, envp, long{AT_EMPTY_PATH});
    report_and_exit(handover, step, failed, plan::Call::execve);
}

// An empty slot is one that no bind mount uses; the stage gets something harmless in its place.
Result<> fill_empty_slots(Workshop& workshop) {
    for (Fd& slot : workshop.slots) {
        if (slot) continue;
        LET(slot, sys::open("/dev/null", O_PATH));
    }
    return {};
}

clone_args arguments_of(const plan::Spawn& op, const Fd& cgroup, int& pidfd) {
    clone_args arguments{};
    arguments.flags = op.namespaces | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (cgroup) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup.number());
    }
    return arguments;
}

// A cgroup that we may make and not enter: whoever moves a process wants to write where it comes from, too
// (cgroups(7), "Delegation containment").
bool cgroup_is_closed(const Workshop& workshop, const Error& error) {
    return workshop.cgroup && workshop.cgroup_optional && (error.err == EACCES || error.err == EPERM);
}

// EBUSY: controllers are handed down from it, so it may hold no process; EOPNOTSUPP: it is not threaded, and
// what is below it is (cgroups(7), "No internal processes").
bool takes_no_process(const Workshop& workshop, const Error& error) {
    return workshop.joins && !workshop.cgroup_below && (error.err == EBUSY || error.err == EOPNOTSUPP);
}

// A login session is not below the user's own systemd, and between the two nobody but root moves a process
// or is born across.
bool is_for_systemd_to_move(const Workshop& workshop, const Error& error) {
    return workshop.joins && !workshop.state.unit.name.empty() && (error.err == EACCES || error.err == EPERM);
}

Result<Fd> open_cgroup_of_init(const Workshop& workshop) {
    LET(const std::string below, cgroup_of_init(workshop));
    LET(const Fd group, open_own_cgroup(workshop.state));
    if (!group) return fail(Kind::not_found, "the container's cgroup is gone");
    return cgroups::open(group.number(), below);
}

struct Born {
    pid_t pid;             // 0: this is the child
    bool outside = false;  // of its cgroup, until systemd moves it
};

// Into the container's cgroup, or where that cannot be, into what stands for it.
Result<Born> clone_into_cgroup(Workshop& workshop, const plan::Spawn& op, int& pidfd) {
    clone_args arguments = arguments_of(op, workshop.cgroup, pidfd);
    const auto cloned = sys::clone_process(arguments);
    if (cloned) return Born{*cloned};
    if (!workshop.cgroup) return std::unexpected(cloned.error());
    const bool outside = is_for_systemd_to_move(workshop, cloned.error());
    if (outside) {
        workshop.cgroup.reset();
    } else if (takes_no_process(workshop, cloned.error())) {
        LET(workshop.cgroup, open_cgroup_of_init(workshop));
    } else if (!cgroup_is_closed(workshop, cloned.error())) {
        return std::unexpected(cloned.error());
    } else if (workshop.joins) {
        workshop.cgroup.reset();
    } else {
        give_up_cgroup(workshop);
    }
    arguments = arguments_of(op, workshop.cgroup, pidfd);
    LET(const pid_t pid, sys::clone_process(arguments));
    return Born{pid, outside};
}

// Into its cgroup, and then it becomes the stage, unless more is to be prepared.
Result<> bring_in(Workshop& workshop, const plan::Spawn& op) {
    TRY(move_by_systemd(workshop, workshop.pid));
    if (op.awaits_preparation) return {};
    return tell_stage(workshop, plan::prepared_message);
}

// The CPUs of a child are those of its parent, until a cpuset has others.
class OnCpus {
  public:
    static Result<OnCpus> move(const std::vector<std::uint32_t>& cpus) {
        OnCpus moved;
        if (cpus.empty()) return moved;
        LET(moved.home_, sys::cpu_affinity());
        TRY(sys::set_cpu_affinity(cpus));
        return moved;
    }
    OnCpus(OnCpus&& other) noexcept : home_(std::exchange(other.home_, {})) {}
    OnCpus& operator=(OnCpus&&) = delete;
    ~OnCpus() {
        if (!home_.empty()) (void)sys::set_cpu_affinity(home_);
    }

  private:
    OnCpus() = default;
    std::vector<std::uint32_t> home_;
};

Result<namespaces::Visit> visit_inherited(const Workshop& workshop,
                                          const std::vector<plan::Inherited>& inherited) {
    std::vector<namespaces::Place> places;
    places.reserve(inherited.size());
    for (const plan::Inherited& each : inherited)
        places.push_back({workshop.slots[each.file.index].number(), each.flag});
    return namespaces::Visit::enter(places);
}

}  // namespace

Result<> apply(Workshop& workshop, const StepContext& context, const plan::Spawn& op) {
    TRY(fill_empty_slots(workshop));
    LET(const Fd stage, stage_file());
    const std::string plan_bytes = context.timeline.flatten(workshop.traced, workshop.fault);
    LET(const Fd plan, plan_file(plan_bytes));
    LET(auto ends, sys::message_pair());
    LET(Handover handover, prepare(workshop, stage.number(), plan.number(), ends.second.number()));
    handover.host_end = ends.first.number();
    handover.ids = op.ids;
    if (workshop.notify_slot >= 0)
        workshop.state.notify_descriptor =
            static_cast<int>(handover.base) + plan::handover_slots + workshop.notify_slot;
    int pidfd = -1;
    (void)::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it would have the kernel reap init for us
    LET(namespaces::Visit visit, visit_inherited(workshop, op.inherited));
    LET(const OnCpus moved, OnCpus::move(op.cpus));
    LET(const Born born, clone_into_cgroup(workshop, op, pidfd));
    handover.waits = op.awaits_preparation || born.outside;
    if (born.pid == 0) become_stage(handover, static_cast<std::uint16_t>(context.number));
    workshop.pid = born.pid;
    workshop.process = Fd(pidfd);
    workshop.report = std::move(ends.first);
    workshop.endurance = Endurance(workshop.joins ? newcomer_patience_ms : creation_patience_ms);
    auto left = visit.leave();
    if (left && born.outside) left = bring_in(workshop, op);
    if (!left) undo(workshop, op);
    return left;
}

Result<int> end_process(Workshop& workshop, bool kill) {
    const Fd process = std::exchange(workshop.process, Fd());
    if (!process) return system_error(ECHILD, "waitid");
    Result<int> status = system_error(ETIMEDOUT, "waitid");
    if (!kill) status = sys::wait_process(process.number(), Endurance::stopped_patience_ms);
    if (status || status.error().err != ETIMEDOUT) return status;
    (void)sys::signal_process(process.number(), SIGKILL);
    status = sys::wait_process(process.number(), dying_patience_ms);
    if (!status && status.error().err == ETIMEDOUT)
        workshop.left_behind.push_back(left_to_init(workshop.pid));
    return status;
}

void undo(Workshop& workshop, const plan::Spawn&) { (void)end_process(workshop, true); }

// The stage may have failed already, but it is not reaped: its pid is still its own.
Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordProcess&) {
    workshop.state.pid = workshop.pid;
    if (const auto status = process_status(workshop.pid)) workshop.state.start_time = status->start_time;
    workshop.state.pidfd_inode = pidfd_inode(workshop.process.number());
    return save(workshop.directory.number(), workshop.state);
}

}  // namespace bulkhead::runtime
