// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's cgroup.
#include <signal.h>

#include <cerrno>
#include <functional>

#include "base/sys.hpp"
#include "cgroups/devices/device_filter.hpp"
#include "cgroups/group/delegation.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/limits.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/mapped_root.hpp"

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
void give_up_cgroup(State& state, ResourceControl& control, std::vector<std::string>& left_behind) {
    if (control.cgroup)
        if (auto removed = remove_cgroup(control.hierarchy.number(), state, removal_deadline_ms); !removed)
            left_behind.push_back(std::move(removed).error().text);
    control.cgroup = Fd();
    state.cgroup_path.clear();
    state.cgroup_inode = 0;
    state.kept_cgroups.clear();
}

Result<> apply(const plan::MakeCgroup& op, ContainerRecord& record, ResourceControl& control, Walk& walk) {
    LET(control.hierarchy, cgroups::open_hierarchy(op.mount));
    auto made = cgroups::make(control.hierarchy.number(), op.path);
    if (!made && op.optional && is_forbidden(made.error())) {
        give_up_cgroup(record.state, control, walk.left_behind);
        return {};
    }
    if (!made) return std::unexpected(std::move(made).error());
    control.cgroup = std::move(made->fd);
    control.cgroup_is_new = made->created;
    record.state.cgroup_inode = made->inode;
    if (made->created) return {};
    LET(record.state.kept_cgroups, cgroups::inodes(control.cgroup.number()));
    return {};
}

void undo(const plan::MakeCgroup&, ContainerRecord& record, ResourceControl& control, Walk& walk) {
    if (!control.cgroup) return;
    (void)cgroups::kill_all(control.cgroup.number());
    give_up_cgroup(record.state, control, walk.left_behind);
}

// Only who really is root plans this step: a container that could make any device node and has no filter is
// none.
Result<> apply(const plan::AttachDeviceFilter& op, const ResourceControl& control) {
    if (!control.cgroup) return fail(Kind::denied, "without a cgroup the device rules cannot be enforced");
    const int group = control.cgroup.number();
    if (control.cgroup_is_new) return cgroups::attach_device_filter(group, op.program);
    TRY(cgroups::install_device_filter(group, op.program));  // that of a container that used it before goes
    return {};
}

Result<> apply(const plan::ReplaceDeviceFilter& op, ResourceControl& control) {
    if (!control.cgroup) return fail(Kind::denied, "without a cgroup the device rules cannot be enforced");
    if (op.as_created) {
        LET(const bool ours, cgroups::has_device_filter(control.cgroup.number()));
        if (!ours) return {};
    }
    LET(control.device_filter, cgroups::install_device_filter(control.cgroup.number(), op.program));
    return {};
}

void undo(const plan::ReplaceDeviceFilter&, ResourceControl& control) {
    if (!control.device_filter.now) return;
    (void)cgroups::restore_device_filter(control.cgroup.number(), control.device_filter);
    control.device_filter = {};
}

Result<> apply(const plan::EnableControllers& op, ResourceControl& control) {
    if (!control.cgroup) return {};  // it was optional
    if (!control.hierarchy) {
        LET(control.hierarchy, cgroups::open_hierarchy(op.mount));
    }
    return cgroups::enable_controllers(control.hierarchy.number(), op.path, op.needed);
}

Result<> apply(const plan::LimitCgroup& op, const ResourceControl& control) {
    if (!control.cgroup) return {};  // it was optional, so there is nothing but limits to lift
    return cgroups::write_settings(control.cgroup.number(), op.settings);
}

Result<> apply(const plan::ChangeLimits& op, ResourceControl& control) {
    LET(control.limits, cgroups::change_settings(control.cgroup.number(), op.settings));
    return {};
}

void undo(const plan::ChangeLimits&, const ResourceControl& control) {
    cgroups::restore_settings(control.cgroup.number(), control.limits);
}

Result<> apply(const plan::RecordCgroup&, const ContainerRecord& record) {
    return save(record.directory.number(), record.state);
}

// In a user namespace of its own the runtime may have been given a cgroup, and then it has none.
Result<> apply(const plan::DelegateCgroup& op, const ResourceControl& control) {
    return control.cgroup ? cgroups::delegate(control.cgroup.number(), op.owner) : Result<>();
}

// The cgroup holds them all, also if a runtime died before it could write down a pid.
Result<> apply(const plan::KillContainer&, const ContainerRecord& record) {
    const State& state = record.state;
    if (const auto init = open_init(state)) (void)sys::signal_process(init->number(), SIGKILL);
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return {};
    return with_power_over_its_users(state, [&] { return cgroups::kill_all(group.number()); });
}

// Where it is not known which cgroup was made, an empty one at its path goes and an occupied one is
// another's.
Result<> apply(const plan::RemoveCgroup&, const ContainerRecord& record, ResourceControl& control) {
    const State& state = record.state;
    if (state.cgroup_path.empty()) return {};
    if (!control.hierarchy) {
        LET(control.hierarchy, cgroups::open_hierarchy(state.cgroup_mount));
    }
    const bool known = state.cgroup_inode != 0;
    auto removed = with_power_over_its_users(state, [&] {
        return remove_cgroup(control.hierarchy.number(), state, known ? removal_deadline_ms : 0);
    });
    return known ? removed : Result<>();
}

}  // namespace bulkhead::runtime
