// SPDX-License-Identifier: Apache-2.0
// Plans linux.intelRdt as groups of resctrl (config-linux.md 1.3, "IntelRdt"). Pure.
#pragma once

#include <optional>
#include <string>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// The paths of a container's groups.
struct RdtPlace {
    std::string mount;
    std::string path;
    bool named = false;      // by closID; the container does not own the group
    std::string monitoring;  // empty: the config asks for none
};

// Empty without linux.intelRdt. Kind::unsupported if no resctrl is mounted.
Result<std::optional<RdtPlace>> rdt_place(const spec::ValidSpec& spec, const std::string& id,
                                          const plan::HostFacts& host);

// Host lane, before `Spawn`: the groups and their schemata.
void plan_rdt_groups(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const RdtPlace& place);

}  // namespace bulkhead::cgroups
