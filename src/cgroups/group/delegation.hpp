// SPDX-License-Identifier: Apache-2.0
// Decides if a container owns its cgroup (config-linux.md, "Cgroup ownership"), and makes it the owner.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// Host lane, after the step that makes the cgroup: DelegateCgroup to the host's id of process.user.uid,
// where the container has a new cgroup namespace and its cgroup mounted writable. Nothing if that id is
// not known: a user namespace that is joined without its mappings. Nothing without privileges either: the
// runtime would lose the right to put another process into the cgroup of its own container.
void plan_delegation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

// Makes `owner` the owner of the cgroup (cgroup-v2.rst, "Model of Delegation"): of the directory, so that
// cgroups can be made in it, and of the files that move processes and controllers, which
// /sys/kernel/cgroup/delegate names (4.15). Limits, freeze and kill stay the host's. A file that the cgroup
// does not have is no error. Needs CAP_CHOWN (Kind::denied).
Result<> delegate(int cgroup_fd, uid_t owner);

}  // namespace bulkhead::cgroups
