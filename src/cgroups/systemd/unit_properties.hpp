// SPDX-License-Identifier: Apache-2.0
// The properties of a container's unit (org.freedesktop.systemd1(5)): those that every unit has, its limits,
// and those from annotations. Pure.
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

// systemd delegates every controller to a scope, and forgets the scope after its end, however it ended. A
// slice has neither, because systemd has no delegation of slices.
std::vector<plan::UnitProperty> properties_of_unit(const Unit& unit, std::string_view id);

// Limits as properties, so that systemd does not take them back when it writes a unit's files anew. A file
// without a property here (huge pages, RDMA, rates of devices), or without one in `version`, is left out.
// Some properties are coarser than the files: a quota is rounded up to 1 % of a CPU.
//   present    the current values, because a quota alone keeps the period
//   new_scope  systemd is about to make a scope, which has properties that cannot change later (OOMPolicy)
std::vector<plan::UnitProperty> properties_of_limits(std::span<const plan::CgroupSetting> settings,
                                                     unsigned version, const Present& present = {},
                                                     bool new_scope = false);

// systemd writes these files whenever properties of a unit change: more coarsely than before, or from
// properties that are not set. So bulkhead writes them again after that.
inline constexpr std::string_view rewritten_by_systemd[] = {"cpu.max", "memory.oom.group", "memory.zswap.max",
                                                            "memory.zswap.writeback"};

// The prefix of annotations that become properties.
inline constexpr std::string_view property_annotation = "org.systemd.property.";

// org.systemd.property.NAME: a GVariant text. NAME has three letters or more; NameSec is NameUSec in seconds.
// PIDs and Slice are the runtime's own. Kind::invalid_config names the annotation, its text and the reason.
Result<std::vector<plan::UnitProperty>> properties_of_annotations(
    const std::map<std::string, std::string>& annotations);

// The first number of a version such as "252.38-1~deb12u1" or "v245"; 0 if there is none.
unsigned systemd_version(std::string_view text);

}  // namespace bulkhead::cgroups
