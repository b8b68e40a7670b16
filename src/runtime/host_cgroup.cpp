// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's cgroup.
#include <signal.h>

#include "base/sys.hpp"
#include "cgroups/device_filter.hpp"
#include "cgroups/group.hpp"
#include "cgroups/mount.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/process_identity.hpp"

namespace bulkhead::runtime {

Result<> apply(Workshop& workshop, const StepContext&, const plan::MakeCgroup& op) {
    LET(workshop.hierarchy, cgroups::open_hierarchy(op.mount));
    LET(cgroups::Made made, cgroups::make(workshop.hierarchy.number(), op.path));
    workshop.cgroup = std::move(made.fd);
    workshop.state.cgroup_inode = made.inode;
    return {};
}

void undo(Workshop& workshop, const plan::MakeCgroup& op) {
    (void)cgroups::kill_all(workshop.cgroup.number());
    (void)cgroups::remove(workshop.hierarchy.number(), op.path, removal_deadline_ms,
                          workshop.state.cgroup_inode);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::AttachDeviceFilter& op) {
    return cgroups::attach_device_filter(workshop.cgroup.number(), op.program);
}

// The cgroup holds them all, also where a runtime died before it could write down a pid.
Result<> apply(Workshop& workshop, const StepContext&, const plan::KillContainer&) {
    if (const auto init = open_same_process(workshop.state.pid, workshop.state.start_time))
        (void)sys::signal_process(init->number(), SIGKILL);
    auto hierarchy = cgroups::open_hierarchy(workshop.state.cgroup_mount);
    if (!hierarchy) return {};
    const auto group = cgroups::open(hierarchy->number(), workshop.state.cgroup_path);
    if (!group) return {};
    return cgroups::kill_all(group->number());
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::RemoveCgroup&) {
    if (workshop.state.cgroup_path.empty()) return {};
    LET(const Fd hierarchy, cgroups::open_hierarchy(workshop.state.cgroup_mount));
    const State& state = workshop.state;
    return cgroups::remove(hierarchy.number(), state.cgroup_path, removal_deadline_ms, state.cgroup_inode);
}

}  // namespace bulkhead::runtime
