// SPDX-License-Identifier: Apache-2.0
// The systemd unit of a container and where its cgroup is, as text: the rules of runc's systemd driver. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cgroups {

struct Unit {
    std::string name;   // "bulkhead-box.scope"
    std::string slice;  // that it is in: "system.slice"

    bool is_slice() const { return name.ends_with(".slice"); }
};

// linux.cgroupsPath "slice:prefix:name" -> the scope prefix-name.scope in the slice.
//   slice   empty: system.slice, or user.slice for the manager of a user; "-": the root slice
//   prefix  empty: the scope is name.scope
//   name    with ".slice" at its end: that slice itself, whose place is what its name says
// An empty path is the scope bulkhead-ID.scope in the default slice, with the letters of the id escaped that
// a unit may not have. Kind::invalid_config, naming /linux/cgroupsPath, the value and the reason.
Result<Unit> unit_of(std::string_view cgroups_path, std::string_view id, bool of_user);

// The cgroup of the unit below the mount, "/" in front; `manager` is that of systemd itself: "" or "/" for a
// machine's. systemd.slice(5): a-b.slice is in a.slice; names that would look like files of a cgroup get a
// "_" in front.
std::string cgroup_of(const Unit& unit, std::string_view manager);

// What a unit's name may not have, as systemd-escape(1) writes it: "a+b" as "a\x2bb".
std::string unit_escaped(std::string_view text);

}  // namespace bulkhead::cgroups
