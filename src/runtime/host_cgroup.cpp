// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's cgroup.
#include <signal.h>

#include <cerrno>
#include <functional>

#include "base/sys.hpp"
#include "cgroups/controllers.hpp"
#include "cgroups/delegation.hpp"
#include "cgroups/device_filter.hpp"
#include "cgroups/group.hpp"
#include "cgroups/limits.hpp"
#include "cgroups/mount.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/mapped_root.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"

namespace bulkhead::runtime {

namespace {

bool is_forbidden(const Error& error) {
    return error.err == EACCES || error.err == EPERM || error.err == EROFS;
}

// Another user of a rootless container may own what is below its cgroup, and root inside may have given away
// even the files of the cgroup itself.
Result<> with_power_over_its_users(const State& state, const std::function<Result<>()>& act) {
    auto done = act();
    if (done || !is_forbidden(done.error()) || state.uid_map.empty()) return done;
    return as_mapped_root({state.uid_map, state.gid_map}, act);
}

// "resources associated with the container, but not created by this container, MUST NOT be deleted"
// (runtime.md, "Delete"): what the container has left in a cgroup that was there before goes, and it stays.
Result<> vacate_cgroup(int hierarchy, const State& state) {
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return {};
    auto filter = cgroups::remove_device_filter(group.number());
    if (!filter && !is_forbidden(filter.error())) return filter;  // who may not look has not attached one
    (void)cgroups::ask_to_thaw(group.number());  // a container that was paused, for the next one
    return cgroups::clear(hierarchy, state.cgroup_path, removal_deadline_ms, state.kept_cgroups);
}

// Where it is not known which cgroup was made (inode 0), an empty one at its path goes.
Result<> remove_cgroup(int hierarchy, const State& state, int deadline_ms) {
    if (!state.kept_cgroups.empty()) return vacate_cgroup(hierarchy, state);
    return cgroups::remove(hierarchy, state.cgroup_path, deadline_ms, state.cgroup_inode);
}

}  // namespace

// An error leaves all as it was (runtime.md, "Errors").
void give_up_cgroup(Workshop& workshop) {
    State& state = workshop.state;
    if (workshop.cgroup)
        if (auto removed = remove_cgroup(workshop.hierarchy.number(), state, removal_deadline_ms); !removed)
            workshop.left_behind.push_back(std::move(removed).error().text);
    workshop.cgroup = Fd();
    state.cgroup_path.clear();
    state.cgroup_inode = 0;
    state.kept_cgroups.clear();
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
    workshop.cgroup_is_new = made->created;
    workshop.state.cgroup_inode = made->inode;
    if (made->created) return {};
    LET(workshop.state.kept_cgroups, cgroups::inodes(workshop.cgroup.number()));
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
    const int group = workshop.cgroup.number();
    if (workshop.cgroup_is_new) return cgroups::attach_device_filter(group, op.program);
    TRY(cgroups::install_device_filter(group, op.program));  // that of a container that used it before goes
    return {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::ReplaceDeviceFilter& op) {
    if (!workshop.cgroup) return fail(Kind::denied, "without a cgroup the device rules cannot be enforced");
    if (op.as_created) {
        LET(const bool ours, cgroups::has_device_filter(workshop.cgroup.number()));
        if (!ours) return {};
    }
    LET(workshop.device_filter, cgroups::install_device_filter(workshop.cgroup.number(), op.program));
    return {};
}

void undo(Workshop& workshop, const plan::ReplaceDeviceFilter&) {
    if (!workshop.device_filter.now) return;
    (void)cgroups::restore_device_filter(workshop.cgroup.number(), workshop.device_filter);
    workshop.device_filter = {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::EnableControllers& op) {
    if (!workshop.cgroup) return {};  // it was optional
    if (!workshop.hierarchy) {
        LET(workshop.hierarchy, cgroups::open_hierarchy(op.mount));
    }
    return cgroups::enable_controllers(workshop.hierarchy.number(), op.path, op.needed);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::LimitCgroup& op) {
    if (!workshop.cgroup) return {};  // it was optional, so there is nothing but limits to lift
    return cgroups::write_settings(workshop.cgroup.number(), op.settings);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::ChangeLimits& op) {
    LET(workshop.limits, cgroups::change_settings(workshop.cgroup.number(), op.settings));
    return {};
}

void undo(Workshop& workshop, const plan::ChangeLimits&) {
    cgroups::restore_settings(workshop.cgroup.number(), workshop.limits);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordCgroup&) {
    return save(workshop.directory.number(), workshop.state);
}

// In a user namespace of its own the runtime may have been given a cgroup, and then it has none.
Result<> apply(Workshop& workshop, const StepContext&, const plan::DelegateCgroup& op) {
    return workshop.cgroup ? cgroups::delegate(workshop.cgroup.number(), op.owner) : Result<>();
}

// The cgroup holds them all, also where a runtime died before it could write down a pid.
Result<> apply(Workshop& workshop, const StepContext&, const plan::KillContainer&) {
    const State& state = workshop.state;
    if (const auto init = open_init(state)) (void)sys::signal_process(init->number(), SIGKILL);
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return {};
    return with_power_over_its_users(state, [&] { return cgroups::kill_all(group.number()); });
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
    auto removed = with_power_over_its_users(state, [&] {
        return remove_cgroup(workshop.hierarchy.number(), state, known ? removal_deadline_ms : 0);
    });
    return known ? removed : Result<>();
}

}  // namespace bulkhead::runtime
