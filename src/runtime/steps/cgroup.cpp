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

// In a rootless container another of its users may own what is below its cgroup, and its root may have given
// away the files of the cgroup itself.
Result<> with_power_over_its_users(const State& state, const std::function<Result<>()>& act) {
    auto done = act();
    if (done || !is_forbidden(done.error()) || state.uid_map.empty()) return done;
    return as_mapped_root({state.uid_map, state.gid_map}, act);
}

// "resources associated with the container, but not created by this container, MUST NOT be deleted"
// (runtime.md, "Delete"): a cgroup that existed before stays, without what the container left in it.
Result<> vacate_cgroup(int hierarchy, const State& state) {
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return {};
    auto filter = cgroups::remove_device_filter(group.number());
    if (!filter && !is_forbidden(filter.error()))
        return filter;  // a runtime that may not look has not attached a filter
    (void)cgroups::ask_to_thaw(
        group.number());  // the container may be paused, and the cgroup is for the next one
    return cgroups::clear(hierarchy, state.cgroup_path, removal_deadline_ms, state.kept_cgroups);
}

// If the record has no inode of the cgroup (0), an empty cgroup at its path is removed.
Result<> remove_cgroup(int hierarchy, const State& state, int deadline_ms) {
    if (!state.kept_cgroups.empty()) return vacate_cgroup(hierarchy, state);
    return cgroups::remove(hierarchy, state.cgroup_path, deadline_ms, state.cgroup_inode);
}

}  // namespace

// An error leaves everything as it was (runtime.md, "Errors").
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

// The planner plans this step only for root of the initial user namespace, and then it must succeed: a
// container that can make any device node and has no filter is not isolated.
Result<> apply(const plan::AttachDeviceFilter& op, const ResourceControl& control) {
    if (!control.cgroup) return fail(Kind::denied, "without a cgroup the device rules cannot be enforced");
    const int group = control.cgroup.number();
    if (control.cgroup_is_new) return cgroups::attach_device_filter(group, op.program);
    TRY(cgroups::install_device_filter(
        group, op.program));  // replaces the filter of a container that used the cgroup before
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
    if (!control.cgroup) return {};  // it was optional, and the container has no limit
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

// The cgroup is optional for a runtime in a user namespace, so there may be none.
Result<> apply(const plan::DelegateCgroup& op, const ResourceControl& control) {
    return control.cgroup ? cgroups::delegate(control.cgroup.number(), op.owner) : Result<>();
}

// All processes of the container are in its cgroup, even if a runtime died before it recorded a pid.
Result<> apply(const plan::KillContainer&, const ContainerRecord& record) {
    const State& state = record.state;
    if (const auto init = open_init(state)) (void)sys::signal_process(init->number(), SIGKILL);
    LET(const Fd group, open_own_cgroup(state));
    if (!group) return {};
    return with_power_over_its_users(state, [&] { return cgroups::kill_all(group.number()); });
}

// If the record has no inode of the cgroup, an empty cgroup at its path is removed, and one with processes
// belongs to somebody else.
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
