// SPDX-License-Identifier: Apache-2.0
// Groups of a resctrl file system (Documentation/filesystems/resctrl.rst), by which processors share out
// caches and memory bandwidth. A group is a directory with `tasks` and `schemata`; a monitoring group has no
// `schemata`. The kernel makes the files in a new directory; this code creates none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

struct RdtGroup {
    bool created = false;     // false: it existed
    std::uint64_t inode = 0;  // its id until the kernel reboots
};

// `mount` is the mount point of resctrl, which explains an error better than its number.
//
// Uses the existing group, or makes one.
Result<RdtGroup> make_rdt_group(const std::string& mount, const std::string& path);
// Finds the existing group. Kind::not_found if there is none.
Result<RdtGroup> find_rdt_group(const std::string& path);
// Makes a monitoring group. An existing one is an error.
Result<RdtGroup> make_monitoring_group(const std::string& mount, const std::string& path);

// Writes whole lines to a group's schemata with one write(2).
Result<> write_schemata(const std::string& mount, const std::string& path, std::string_view lines);
// The whole text of a group's schemata.
Result<std::string> read_schemata(const std::string& path);
// Kind::bad_state if the group's schemata do not have the values of these lines.
Result<> check_schemata(const std::string& path, std::string_view lines);

// Moves the thread into the group. The thread's later children are born there.
Result<> join_rdt_group(const std::string& mount, const std::string& path, pid_t thread);

// Removes the group with this inode. 0: the runtime does not know which group it made, so a group with a
// process in it stays. A group that does not exist is a success.
Result<> remove_rdt_group(const std::string& path, std::uint64_t inode);

// The wanted values that the text of a schemata file lacks, as in `wanted`: "L3:1=ff". Equal values count as
// equal in the kernel's own format, too: with leading zeros, ids in order, all domains.
std::vector<std::string> missing_in_schemata(std::string_view text, std::string_view wanted);

}  // namespace bulkhead::cgroups
