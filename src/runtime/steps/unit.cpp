// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's unit: the systemd driver.
#include <algorithm>
#include <csignal>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"
#include "cgroups/systemd/unit_properties.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/systemd_driver.hpp"

namespace bulkhead::runtime {

namespace {

bool is_slice(const std::string& unit) { return unit.ends_with(".slice"); }

// systemd puts no process into a slice, so the runtime does.
Result<> enter(const Fd& cgroup, pid_t pid) {
    return write_kernel_file(cgroup.number(), "cgroup.procs", cat(pid));
}

// Opens the cgroup that systemd made, records its inode, and checks that the process is in it.
Result<> take(ContainerRecord& record, ResourceControl& control, pid_t pid, const plan::StartUnit& op,
              const cgroups::StartedUnit& started) {
    if (started.cgroup != op.path)
        return fail(Kind::internal, "systemd has put it into the cgroup ", quoted(started.cgroup),
                    " instead of ", quoted(op.path));
    LET(control.cgroup, cgroups::open(control.hierarchy.number(), op.path));
    LET(const struct stat status, sys::status_of(control.cgroup.number()));
    record.state.cgroup_inode = status.st_ino;
    if (is_slice(op.name)) TRY(enter(control.cgroup, pid));
    LET(const auto inside, cgroups::processes(control.cgroup.number()));
    if (std::ranges::count(inside, pid) == 0)
        return fail(Kind::internal, "systemd has not put process ", pid, " into it");
    return {};
}

}  // namespace

Result<> apply(const plan::StartUnit& op, ContainerRecord& record, ResourceControl& control,
               const StageProcess& stage, Walk& walk) {
    LET(control.hierarchy, cgroups::open_hierarchy(op.mount));
    TRY(cgroups::check_vacant(control.hierarchy.number(), op.path));
    TRY(connect_by_record(record.state, control));
    const pid_t first = is_slice(op.name) ? 0 : stage.pid;
    LET(const cgroups::StartedUnit started, control.systemd->start_unit(op.name, first, op.properties));
    record.state.unit.invocation = started.invocation;
    auto taken = take(record, control, stage.pid, op, started);
    if (!taken) undo(op, record, control, stage, walk);
    return taken;
}

void undo(const plan::StartUnit& op, ContainerRecord& record, ResourceControl& control,
          const StageProcess& stage, Walk& walk) {
    (void)sys::signal_process(stage.process.number(),
                              SIGKILL);  // or systemd would ask it to end, and wait
    if (control.cgroup) (void)cgroups::kill_all(control.cgroup.number());
    if (connect_by_record(record.state, control))
        (void)control.systemd->stop_unit(op.name, record.state.unit.invocation);
    give_up_cgroup(record.state, control, walk.left_behind);
}

Result<> move_by_systemd(const State& state, ResourceControl& control, pid_t pid) {
    TRY(connect_by_record(state, control));
    const std::string& unit = state.unit.name;
    auto moved = control.systemd->attach_process(unit, control.cgroup_below.value_or(""), pid);
    if (moved || control.cgroup_below) return moved;
    const auto below = cgroup_of_init(state);
    return below && !below->empty() ? control.systemd->attach_process(unit, *below, pid) : moved;
}

Result<> apply(const plan::ChangeUnit& op, const ContainerRecord& record, ResourceControl& control) {
    TRY(connect_by_record(record.state, control));
    auto changed = control.systemd->set_properties(record.state.unit.invocation, op.properties);
    if (!changed) undo(op, record, control);  // a call that was not answered in time may still be carried out
    return changed;
}

// By the values that ChangeLimits has found, before it writes those back itself.
void undo(const plan::ChangeUnit&, const ContainerRecord& record, ResourceControl& control) {
    const auto before = cgroups::properties_of_limits(control.limits, control.systemd->version());
    (void)control.systemd->set_properties(record.state.unit.invocation, before);
}

// Nothing runs in it any more, so a scope ends by itself, and its directory is removed next. A bus that is
// gone must not keep a container from being deleted.
Result<> apply(const plan::StopUnit& op, const ContainerRecord& record, ResourceControl& control,
               Walk& walk) {
    auto done = connect_by_record(record.state, control);
    if (done) done = control.systemd->stop_unit(op.name, record.state.unit.invocation);
    if (done || is_slice(op.name)) return done;
    walk.warnings.push_back(std::move(done).error().text);
    return {};
}

}  // namespace bulkhead::runtime
