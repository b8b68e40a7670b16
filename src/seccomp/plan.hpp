// SPDX-License-Identifier: Apache-2.0
// Plans the steps that load a filter. Pure.
#pragma once

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

// Errors: a flag that this kernel does not have.
Result<> check_flags(const spec::Seccomp& profile, const plan::HostFacts& host);

// Init lane, right before Execute: only execve has to pass the filter.
void plan_filter(plan::TimelineBuilder& timeline, const Program& program);

// Init lane, while the stage still has the descriptor.
void plan_handshake(plan::TimelineBuilder& timeline, plan::Slot handshake);

// Both lanes: the filter, and its listener to the agent at profile.listener_path. The stage's later calls
// have to pass the filter. `status` is the container's, for the agent.
void plan_listener(plan::TimelineBuilder& timeline, const Program& program, const spec::Seccomp& profile,
                   std::string status = "creating");

}  // namespace bulkhead::seccomp
