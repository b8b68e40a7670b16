// SPDX-License-Identifier: Apache-2.0
// Which capabilities a process can have here, and the step that gives it those of its config. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::process {

// In a user namespace of the container's own all that the kernel has, elsewhere what the runtime has itself.
std::uint64_t grantable_capabilities(const spec::ValidSpec& spec, const plan::HostFacts& host);

// The bits of a list of names, as far as they are in `grantable`.
Result<std::uint64_t> capability_set(const std::vector<std::string>& names, std::uint64_t grantable);

// `kept` until execve, which takes it away: what a program may have is decided by the bounding, inheritable
// and ambient sets (capabilities(7), "Transformation of capabilities during execve()").
Result<> plan_capabilities(plan::TimelineBuilder& timeline, const spec::Capabilities& sets,
                           std::uint64_t grantable, std::uint64_t kept);

}  // namespace bulkhead::process
