// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/own_cgroup.hpp"

#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"

namespace bulkhead::runtime {

Result<Fd> open_own_cgroup(const State& state) {
    if (state.cgroup_inode == 0) return Fd();
    LET(const Fd hierarchy, cgroups::open_hierarchy(state.cgroup_mount));
    auto group = cgroups::open(hierarchy.number(), state.cgroup_path);
    if (!group && group.error().kind == Kind::not_found) return Fd();
    if (!group) return group;
    LET(const struct stat status, sys::status_of(group->number()));
    if (status.st_ino != state.cgroup_inode) return Fd();
    return group;
}

}  // namespace bulkhead::runtime
