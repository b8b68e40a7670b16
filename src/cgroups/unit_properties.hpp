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
#include "cgroups/resources.hpp"
#include "cgroups/unit.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::cgroups {

// A scope is handed to the container with every controller, and systemd forgets it when it has ended, however
// it ends. A slice is neither: systemd has no delegation of slices.
std::vector<plan::UnitProperty> properties_of_unit(const Unit& unit, std::string_view id);

// Limits as properties, so that systemd does not take them back when it writes a unit's files anew. Files
// that it has no property for (huge pages, RDMA, rates of devices), or not in `version`, have none here, and
// it leaves those alone. Coarser than the files where systemd is: a quota is rounded up to 1 % of a CPU.
//   present  a quota alone keeps the period
std::vector<plan::UnitProperty> properties_of_limits(std::span<const plan::CgroupSetting> settings,
                                                     unsigned version, const Present& present = {});

// What its annotations begin with.
inline constexpr std::string_view property_annotation = "org.systemd.property.";

// org.systemd.property.NAME: a GVariant text. NAME is three letters or more; NameSec is NameUSec in seconds.
// PIDs and Slice are the runtime's own. Kind::invalid_config, naming the annotation, its text and the reason.
Result<std::vector<plan::UnitProperty>> properties_of_annotations(
    const std::map<std::string, std::string>& annotations);

// The whole of its version, "252.38-1~deb12u1" or "v245", is for people; 0 where it is none.
unsigned systemd_version(std::string_view text);

}  // namespace bulkhead::cgroups
