// SPDX-License-Identifier: Apache-2.0
// Groups of a resctrl file system (Documentation/filesystems/resctrl.rst), by which processors share out
// caches and memory bandwidth: a directory with `tasks` and `schemata`; one of monitoring has `tasks` alone.
// The kernel makes the files in a new directory. No file is ever created here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

struct RdtGroup {
    bool created = false;     // false: it was there
    std::uint64_t inode = 0;  // its id for as long as the kernel runs
};

// `mount` is where the file system is; it knows more about an error than its number says.
//
// Takes the group that is there, or makes it.
Result<RdtGroup> make_rdt_group(const std::string& mount, const std::string& path);
// Takes the group that is there. Kind::not_found where there is none.
Result<RdtGroup> find_rdt_group(const std::string& path);
// Makes a group of monitoring, which must not be there.
Result<RdtGroup> make_monitoring_group(const std::string& mount, const std::string& path);

// One write(2) of whole lines to a group's schemata.
Result<> write_schemata(const std::string& mount, const std::string& path, std::string_view lines);
// The whole text of it.
Result<std::string> read_schemata(const std::string& path);
// Kind::bad_state where the group's schemata say something else than these lines.
Result<> check_schemata(const std::string& path, std::string_view lines);

// The thread goes into the group, and what it makes from then on is born there.
Result<> join_rdt_group(const std::string& mount, const std::string& path, pid_t thread);

// Removes the group. With an inode only the one that has it; without, where it is not known which group was
// made, only one that nobody is in. One that is not there is a success.
Result<> remove_rdt_group(const std::string& path, std::uint64_t inode);

// The wanted values that the text of a schemata file does not have, as they are wanted: "L3:1=ff". The kernel
// writes the same in its own words: with zeros in front, ids in order, all of them.
std::vector<std::string> missing_in_schemata(std::string_view text, std::string_view wanted);

}  // namespace bulkhead::cgroups
