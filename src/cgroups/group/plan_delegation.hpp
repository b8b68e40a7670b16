// SPDX-License-Identifier: Apache-2.0
// Whether a container owns its cgroup (config-linux.md, "Cgroup ownership"). Pure.
#pragma once

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// Host lane, behind the step that makes the cgroup: DelegateCgroup to the host's id of process.user.uid,
// where the container has a new cgroup namespace and its cgroup mounted writable. Nothing where that id is
// not known: a user namespace that is joined without its mappings. Nothing without privileges either: the
// runtime would lose the right to put another process into the cgroup of its own container.
void plan_delegation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

}  // namespace bulkhead::cgroups
