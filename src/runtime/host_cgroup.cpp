// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's cgroup.
#include <signal.h>

#include "base/sys.hpp"
#include "cgroups/device_filter.hpp"
#include "cgroups/group.hpp"
#include "cgroups/mount.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/own_cgroup.hpp"
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

Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordCgroup&) {
    return save(workshop.directory.number(), workshop.state);
}

// The cgroup holds them all, also where a runtime died before it could write down a pid.
Result<> apply(Workshop& workshop, const StepContext&, const plan::KillContainer&) {
    const State& state = workshop.state;
    if (const auto init = open_same_process(state.pid, state.start_time))
        (void)sys::signal_process(init->number(), SIGKILL);
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
