// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's cgroup.
#include <signal.h>

#include <cerrno>

#include "base/sys.hpp"
#include "cgroups/controllers.hpp"
#include "cgroups/device_filter.hpp"
#include "cgroups/group.hpp"
#include "cgroups/limits.hpp"
#include "cgroups/mount.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"

namespace bulkhead::runtime {

namespace {

bool is_forbidden(const Error& error) {
    return error.err == EACCES || error.err == EPERM || error.err == EROFS;
}

}  // namespace

void give_up_cgroup(Workshop& workshop) {
    if (workshop.cgroup)
        (void)cgroups::remove(workshop.hierarchy.number(), workshop.state.cgroup_path, removal_deadline_ms,
                              workshop.state.cgroup_inode);
    workshop.cgroup = Fd();
    workshop.state.cgroup_path.clear();
    workshop.state.cgroup_inode = 0;
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::MakeCgroup& op) {
    LET(workshop.hierarchy, cgroups::open_hierarchy(op.mount));
    workshop.cgroup_optional = op.optional;
    auto made = cgroups::make(workshop.hierarchy.number(), op.path);
    if (!made && op.optional && is_forbidden(made.error())) {
        give_up_cgroup(workshop);
        return {};
    }
    if (!made) return std::unexpected(std::move(made).error());
    workshop.cgroup = std::move(made->fd);
    workshop.state.cgroup_inode = made->inode;
    return {};
}

void undo(Workshop& workshop, const plan::MakeCgroup&) {
    if (!workshop.cgroup) return;
    (void)cgroups::kill_all(workshop.cgroup.number());
    give_up_cgroup(workshop);
}

// Only who really is root plans this step: a container that could make any device node and has no filter is
// none.
Result<> apply(Workshop& workshop, const StepContext&, const plan::AttachDeviceFilter& op) {
    if (!workshop.cgroup) return fail(Kind::denied, "without a cgroup the device rules cannot be enforced");
    return cgroups::attach_device_filter(workshop.cgroup.number(), op.program);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::EnableControllers& op) {
    if (!workshop.hierarchy) {
        LET(workshop.hierarchy, cgroups::open_hierarchy(op.mount));
    }
    return cgroups::enable_controllers(workshop.hierarchy.number(), op.path, op.controllers);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::LimitCgroup& op) {
    return cgroups::write_settings(workshop.cgroup.number(), op.settings);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::ChangeLimits& op) {
    LET(workshop.limits, cgroups::change_settings(workshop.cgroup.number(), op.settings));
    return {};
}

void undo(Workshop& workshop, const plan::ChangeLimits&) {
    (void)cgroups::write_settings(workshop.cgroup.number(), workshop.limits);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordCgroup&) {
    return save(workshop.directory.number(), workshop.state);
}

// The cgroup holds them all, also where a runtime died before it could write down a pid.
Result<> apply(Workshop& workshop, const StepContext&, const plan::KillContainer&) {
    const State& state = workshop.state;
    if (const auto init = open_init(state)) (void)sys::signal_process(init->number(), SIGKILL);
    LET(const Fd group, open_own_cgroup(state));
    return group ? cgroups::kill_all(group.number()) : Result<>();
}

// Where it is not known which cgroup was made, an empty one at its path goes and an occupied one is
// another's.
Result<> apply(Workshop& workshop, const StepContext&, const plan::RemoveCgroup&) {
    const State& state = workshop.state;
    if (state.cgroup_path.empty()) return {};
    if (!workshop.hierarchy) {
        LET(workshop.hierarchy, cgroups::open_hierarchy(state.cgroup_mount));
    }
    const bool known = state.cgroup_inode != 0;
    auto removed = cgroups::remove(workshop.hierarchy.number(), state.cgroup_path,
                                   known ? removal_deadline_ms : 0, state.cgroup_inode);
    return known ? removed : Result<>();
}

}  // namespace bulkhead::runtime
