// SPDX-License-Identifier: Apache-2.0
// A cgroup in the hands of its container (config-linux.md, "Cgroup ownership"): if it is, and how it is
// given.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// Host lane, after the step that makes the cgroup: DelegateCgroup to the host's id of process.user.uid,
// where the container has a new cgroup namespace and its cgroup mounted writable. Nothing where that id is
// not known: a user namespace that is joined without its mappings. Nothing without privileges either: the
// runtime would lose the right to put another process into the cgroup of its own container.
void plan_delegation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

// Makes `owner` the owner of the cgroup as the kernel means it (cgroup-v2.rst, "Model of Delegation"): of the
// directory, so that cgroups may be made in it, and of those files by which processes and controllers are
// spread over them, which /sys/kernel/cgroup/delegate names (4.15). Limits, freeze and kill stay the host's.
// A file that the cgroup has not is no error. Needs CAP_CHOWN (Kind::denied).
Result<> delegate(int cgroup_fd, uid_t owner);

}  // namespace bulkhead::cgroups
