// SPDX-License-Identifier: Apache-2.0
// delete --force of a record that cannot be believed: keeps the parts that the kernel confirms. An error may
// cost a container its record, but never another container its process, cgroup, mount or unit.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

struct Proven {
    State state;                        // without what is not proven
    std::vector<std::string> warnings;  // what may be left behind, one sentence each
};

// Of a damaged record: init by pid, start time and the inode of its pidfd (open_init looks again), the cgroup
// by path and inode, a group of resctrl likewise, the unit by its invocation, the root by its mount's
// identity. Error: the kernel cannot be asked, so nothing is known and the record stays.
Result<Proven> proven(const Found& damaged);

// Of a sound record: its cgroup below today's hierarchy, if that is not where the record says; the path is
// removed from it if no cgroup can have that path.
Result<Proven> with_cgroup_found(const State& state);

}  // namespace bulkhead::runtime
