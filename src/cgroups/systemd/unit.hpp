// SPDX-License-Identifier: Apache-2.0
// A container's systemd unit and the path of its cgroup: the rules of runc's systemd driver. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cgroups {

struct Unit {
    std::string name;   // "bulkhead-box.scope"
    std::string slice;  // the slice around it: "system.slice"

    bool is_slice() const { return name.ends_with(".slice"); }
};

// linux.cgroupsPath "slice:prefix:name" -> the scope prefix-name.scope in the slice.
//   slice   empty: system.slice, or user.slice for the manager of a user; "-": the root slice
//   prefix  empty: the scope is name.scope
//   name    with ".slice" at its end: that slice itself, at the place that its name tells
// An empty path is the scope bulkhead-ID.scope in the default slice; letters of the id that a unit must not
// have are escaped. Kind::invalid_config names /linux/cgroupsPath, the value and the reason.
Result<Unit> unit_of(std::string_view cgroups_path, std::string_view id, bool of_user);

// The unit's cgroup below the mount, "/" in front. `manager` is systemd's own cgroup: "" or "/" for the
// machine's. systemd.slice(5): a-b.slice is in a.slice. A name that looks like a file of a cgroup gets a "_"
// in front.
std::string cgroup_of(const Unit& unit, std::string_view manager);

// Escapes letters that a unit's name must not have, as systemd-escape(1) does: "a+b" as "a\x2bb".
std::string unit_escaped(std::string_view text);

}  // namespace bulkhead::cgroups
