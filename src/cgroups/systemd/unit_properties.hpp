// SPDX-License-Identifier: Apache-2.0
// What systemd is told about a container's unit (org.freedesktop.systemd1(5)): what makes it one, its limits,
// and what annotations ask for. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cgroups/limits/resources.hpp"
#include "cgroups/systemd/unit.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::cgroups {

// A scope is handed to the container with every controller, and systemd forgets it when it has ended, however
// it ends. A slice is neither: systemd has no delegation of slices.
std::vector<plan::UnitProperty> properties_of_unit(const Unit& unit, std::string_view id);

// Limits as properties, so that systemd does not take them back when it writes a unit's files anew. Files
// that it has no property for (huge pages, RDMA, rates of devices), or not in `version`, have none here.
// Coarser than the files where systemd is: a quota is rounded up to 1 % of a CPU.
//   present    a quota alone keeps the period
//   new_scope  it is being made, and has properties that nobody can change later (OOMPolicy)
std::vector<plan::UnitProperty> properties_of_limits(std::span<const plan::CgroupSetting> settings,
                                                     unsigned version, const Present& present = {},
                                                     bool new_scope = false);

// Files that systemd writes whenever properties of a unit change, coarser than they were or from properties
// that it does not have: to be written again after that.
inline constexpr std::string_view rewritten_by_systemd[] = {"cpu.max", "memory.oom.group", "memory.zswap.max",
                                                            "memory.zswap.writeback"};

// What its annotations begin with.
inline constexpr std::string_view property_annotation = "org.systemd.property.";

// org.systemd.property.NAME: a GVariant text. NAME is three letters or more; NameSec is NameUSec in seconds.
// PIDs and Slice are the runtime's own. Kind::invalid_config, naming the annotation, its text and the reason.
Result<std::vector<plan::UnitProperty>> properties_of_annotations(
    const std::map<std::string, std::string>& annotations);

// The whole of its version, "252.38-1~deb12u1" or "v245", is for people; 0 where it is none.
unsigned systemd_version(std::string_view text);

}  // namespace bulkhead::cgroups
