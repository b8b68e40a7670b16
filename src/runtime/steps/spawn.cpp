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
#include "cgroups/group/group.hpp"
#include "namespaces/visit.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/stage_file.hpp"

namespace bulkhead::runtime {

namespace {

// Everything that the child needs, made before it exists, because it calls nothing but the kernel.
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

Result<Handover> prepare(const HostResources& host, int stage, int plan, int report) {
    Handover handover{.stage = stage, .report = report, .descriptors = {}};
    handover.add(plan);
    handover.add(report);
    for (const Fd& slot : host.slots) handover.add(slot.number());
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

// Raises every capability that the process has to the ambient set: execve takes all other capabilities from a
// process that is not user 0 of its user namespace.
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
    raw::call(__NR_setgroups, 0L, 0L);  // the caller's must not be seen inside; refused if all are denied
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

// No bind mount uses an empty slot; the stage gets a harmless descriptor there.
Result<> fill_empty_slots(HostResources& host) {
    for (Fd& slot : host.slots) {
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

bool fits(plan::Birthplace place, int error) {
    if (place == plan::Birthplace::of_init) return error == EBUSY || error == EOPNOTSUPP;
    return error == EACCES || error == EPERM;
}

Result<Fd> open_cgroup_of_init(const State& state) {
    LET(const std::string below, cgroup_of_init(state));
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return fail(Kind::not_found, "the container's cgroup is gone");
    return cgroups::open(group.number(), below);
}

struct Born {
    pid_t pid;             // 0: this is the child
    bool outside = false;  // of its cgroup, until systemd moves it
};

Result<> move_to(plan::Birthplace place, State& state, ResourceControl& control,
                 std::vector<std::string>& left_behind) {
    if (place == plan::Birthplace::of_init) {
        LET(control.cgroup, open_cgroup_of_init(state));
    } else if (place == plan::Birthplace::of_runtime_for_good) {
        give_up_cgroup(state, control, left_behind);
    } else {
        control.cgroup.reset();
    }
    return {};
}

// Into the container's cgroup, or else where the plan says.
Result<Born> clone_into_cgroup(const plan::Spawn& op, State& state, ResourceControl& control,
                               std::vector<std::string>& left_behind, int& pidfd) {
    clone_args arguments = arguments_of(op, control.cgroup, pidfd);
    const auto cloned = sys::clone_process(arguments);
    if (cloned) return Born{*cloned};
    const auto place = std::ranges::find_if(
        op.otherwise, [&](plan::Birthplace each) { return fits(each, cloned.error().err); });
    if (!control.cgroup || place == op.otherwise.end()) return std::unexpected(cloned.error());
    TRY(move_to(*place, state, control, left_behind));
    arguments = arguments_of(op, control.cgroup, pidfd);
    LET(const pid_t pid, sys::clone_process(arguments));
    return Born{pid, *place == plan::Birthplace::of_systemd};
}

// Moves the child into its cgroup and lets it become the stage, unless SendPrepared has to come first.
Result<> bring_in(const plan::Spawn& op, const State& state, ResourceControl& control,
                  const StageProcess& stage) {
    TRY(move_by_systemd(state, control, stage.pid));
    if (op.awaits_preparation) return {};
    return tell_stage(stage, plan::prepared_message);
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

Result<namespaces::Visit> visit_inherited(const HostResources& host,
                                          const std::vector<plan::Inherited>& inherited) {
    std::vector<namespaces::Destination> places;
    places.reserve(inherited.size());
    for (const plan::Inherited& each : inherited)
        places.push_back({host.slots[each.file.index].number(), each.flag});
    return namespaces::Visit::enter(places);
}

}  // namespace

Result<> apply(const plan::Spawn& op, const StepContext& step, ContainerRecord& record,
               ResourceControl& control, HostResources& host, StageProcess& stage, Walk& walk) {
    TRY(fill_empty_slots(host));
    LET(const Fd program, stage_file());
    const std::string plan_bytes = step.timeline.flatten(walk.traced, walk.fault);
    LET(const Fd plan, plan_file(plan_bytes));
    LET(auto ends, sys::message_pair());
    LET(Handover handover, prepare(host, program.number(), plan.number(), ends.second.number()));
    handover.host_end = ends.first.number();
    handover.ids = op.ids;
    if (host.notify_slot >= 0)
        record.state.notify_descriptor =
            static_cast<int>(handover.base) + plan::handover_slots + host.notify_slot;
    int pidfd = -1;
    (void)::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it would have the kernel reap init for us
    LET(namespaces::Visit visit, visit_inherited(host, op.inherited));
    LET(const OnCpus moved, OnCpus::move(op.cpus));
    LET(const Born born, clone_into_cgroup(op, record.state, control, walk.left_behind, pidfd));
    handover.waits = op.awaits_preparation || born.outside;
    if (born.pid == 0) become_stage(handover, static_cast<std::uint16_t>(step.number));
    stage.pid = born.pid;
    stage.process = Fd(pidfd);
    stage.report = std::move(ends.first);
    stage.endurance = Endurance(stage.joins ? newcomer_patience_ms : creation_patience_ms);
    auto left = visit.leave();
    if (left && born.outside) left = bring_in(op, record.state, control, stage);
    if (!left) undo(op, stage, walk);
    return left;
}

Result<int> end_process(StageProcess& stage, std::vector<std::string>& left_behind, bool kill) {
    const Fd process = std::exchange(stage.process, Fd());
    if (!process) return system_error(ECHILD, "waitid");
    Result<int> status = system_error(ETIMEDOUT, "waitid");
    if (!kill) status = sys::wait_process(process.number(), Endurance::stopped_patience_ms);
    if (status || status.error().err != ETIMEDOUT) return status;
    (void)sys::signal_process(process.number(), SIGKILL);
    status = sys::wait_process(process.number(), dying_patience_ms);
    if (!status && status.error().err == ETIMEDOUT) left_behind.push_back(left_to_init(stage.pid));
    return status;
}

void undo(const plan::Spawn&, StageProcess& stage, Walk& walk) {
    (void)end_process(stage, walk.left_behind, true);
}

// The stage may have failed already. It is not reaped yet, so no other process has its pid.
Result<> apply(const plan::RecordProcess&, ContainerRecord& record, const StageProcess& stage) {
    record.state.pid = stage.pid;
    if (const auto status = process_status(stage.pid)) record.state.start_time = status->start_time;
    record.state.pidfd_inode = pidfd_inode(stage.process.number());
    return save(record.directory.number(), record.state);
}

}  // namespace bulkhead::runtime
