// SPDX-License-Identifier: Apache-2.0
// Decides which capabilities a process can have here, and plans the step that sets those of its config. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::process {

// Every capability of the kernel in the container's own user namespace, else those of the runtime itself.
std::uint64_t grantable_capabilities(const spec::ValidSpec& spec, const plan::HostFacts& host);

// The bits of a list of names, without those that are not in `grantable`.
Result<std::uint64_t> capability_set(const std::vector<std::string>& names, std::uint64_t grantable);

// Adds `kept` until execve takes it away: the bounding, inheritable and ambient sets decide what a program
// may have (capabilities(7), "Transformation of capabilities during execve()").
Result<> plan_capabilities(plan::TimelineBuilder& timeline, const spec::Capabilities& sets,
                           std::uint64_t grantable, std::uint64_t kept);

}  // namespace bulkhead::process
