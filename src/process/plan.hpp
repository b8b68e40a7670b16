// SPDX-License-Identifier: Apache-2.0
// Which steps make the process of the config out of the stage. Pure.
#pragma once

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::process {

// What a later step of the lane needs of an earlier one.
struct Surroundings {
    std::vector<std::string> environment;  // each name once
    plan::Text home;                       // HOME, which the stage fills; empty where the config gives one
};

// Init lane, behind "go": working directory, HOME, resource limits (in this order: a limit of 3 descriptors
// leaves none to look around with).
Surroundings plan_surroundings(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane: every privilege given up that the config does not grant.
Result<> plan_credentials(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host);

// Init lane, behind the credentials: the program, looked for as the user who will run it. Returns the last
// step of the lane, which the caller appends where the program shall start.
plan::Execute plan_search(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const Surroundings& found);

// The bits of a list of capability names, without those that the kernel does not have.
Result<std::uint64_t> capability_set(const std::vector<std::string>& names, std::uint32_t last);

}  // namespace bulkhead::process
