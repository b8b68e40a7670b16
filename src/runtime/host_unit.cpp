// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's unit: the systemd driver.
#include <algorithm>
#include <csignal>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group.hpp"
#include "cgroups/mount.hpp"
#include "cgroups/unit_properties.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/systemd_driver.hpp"

namespace bulkhead::runtime {

namespace {

bool is_slice(const std::string& unit) { return unit.ends_with(".slice"); }

// systemd puts nobody into a slice.
Result<> enter(const Workshop& workshop) {
    return write_kernel_file(workshop.cgroup.number(), "cgroup.procs", cat(workshop.pid));
}

// The cgroup that systemd has made, by its inode, and the process in it.
Result<> take(Workshop& workshop, const plan::StartUnit& op, const cgroups::StartedUnit& started) {
    if (started.cgroup != op.path)
        return fail(Kind::internal, "systemd has put it into the cgroup ", quoted(started.cgroup),
                    " instead of ", quoted(op.path));
    LET(workshop.cgroup, cgroups::open(workshop.hierarchy.number(), op.path));
    LET(const struct stat status, sys::status_of(workshop.cgroup.number()));
    workshop.state.cgroup_inode = status.st_ino;
    if (is_slice(op.name)) TRY(enter(workshop));
    LET(const auto inside, cgroups::processes(workshop.cgroup.number()));
    if (std::ranges::count(inside, workshop.pid) == 0)
        return fail(Kind::internal, "systemd has not put process ", workshop.pid, " into it");
    return {};
}

}  // namespace

Result<> apply(Workshop& workshop, const StepContext&, const plan::StartUnit& op) {
    LET(workshop.hierarchy, cgroups::open_hierarchy(op.mount));
    TRY(cgroups::check_vacant(workshop.hierarchy.number(), op.path));
    TRY(connect_by_record(workshop));
    const pid_t first = is_slice(op.name) ? 0 : workshop.pid;
    LET(const cgroups::StartedUnit started, workshop.systemd->start_unit(op.name, first, op.properties));
    workshop.state.unit.invocation = started.invocation;
    auto taken = take(workshop, op, started);
    if (!taken) undo(workshop, op);
    return taken;
}

void undo(Workshop& workshop, const plan::StartUnit& op) {
    (void)sys::signal_process(workshop.process.number(),
                              SIGKILL);  // or systemd would ask it to end, and wait
    if (workshop.cgroup) (void)cgroups::kill_all(workshop.cgroup.number());
    if (connect_by_record(workshop))
        (void)workshop.systemd->stop_unit(op.name, workshop.state.unit.invocation);
    give_up_cgroup(workshop);
}

Result<> move_by_systemd(Workshop& workshop, pid_t pid) {
    TRY(connect_by_record(workshop));
    const std::string& unit = workshop.state.unit.name;
    auto moved = workshop.systemd->attach_process(unit, workshop.cgroup_below.value_or(""), pid);
    if (moved || workshop.cgroup_below) return moved;
    const auto below = cgroup_of_init(workshop);
    return below && !below->empty() ? workshop.systemd->attach_process(unit, *below, pid) : moved;
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::ChangeUnit& op) {
    TRY(connect_by_record(workshop));
    auto changed = workshop.systemd->set_properties(workshop.state.unit.invocation, op.properties);
    if (!changed) undo(workshop, op);  // a call that was not answered in time may still be carried out
    return changed;
}

// By the values that ChangeLimits has found, before it writes those back itself.
void undo(Workshop& workshop, const plan::ChangeUnit&) {
    const auto before = cgroups::properties_of_limits(workshop.limits, workshop.systemd->version());
    (void)workshop.systemd->set_properties(workshop.state.unit.invocation, before);
}

// Nothing runs in it any more, so a scope ends by itself, and its directory is removed next. A bus that is
// gone shall not keep a container from being deleted.
Result<> apply(Workshop& workshop, const StepContext&, const plan::StopUnit& op) {
    auto done = connect_by_record(workshop);
    if (done) done = workshop.systemd->stop_unit(op.name, workshop.state.unit.invocation);
    if (done || is_slice(op.name)) return done;
    workshop.warnings.push_back(std::move(done).error().text);
    return {};
}

}  // namespace bulkhead::runtime
