// SPDX-License-Identifier: Apache-2.0
// linux.intelRdt as groups of resctrl (config-linux.md 1.3, "IntelRdt"). Pure.
#pragma once

#include <optional>
#include <string>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::cgroups {

// Where a container's groups are.
struct RdtPlace {
    std::string mount;
    std::string path;
    bool named = false;      // by closID: it is not the container's own
    std::string monitoring;  // empty: none is asked for
};

// None without linux.intelRdt. Kind::unsupported where no resctrl is mounted.
Result<std::optional<RdtPlace>> rdt_place(const spec::ValidSpec& spec, const std::string& id,
                                          const plan::HostFacts& host);

// Host lane, before SPAWN: the groups with their schemata.
void plan_rdt_groups(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const RdtPlace& place);

}  // namespace bulkhead::cgroups
