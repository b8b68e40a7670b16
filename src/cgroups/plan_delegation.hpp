// SPDX-License-Identifier: Apache-2.0
// Decides if a container owns its cgroup (config-linux.md, "Cgroup ownership"). Pure.
#pragma once

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// Host lane, after the step that makes the cgroup: DelegateCgroup to the host's id of process.user.uid, if
// the container has a new cgroup namespace and its cgroup mounted writable. No step if that id is unknown (a
// joined user namespace without its mappings). No step without privileges either, because the runtime could
// then put no other process into its own container's cgroup.
void plan_delegation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

}  // namespace bulkhead::cgroups
