// SPDX-License-Identifier: Apache-2.0
// linux.resources -> the files of a cgroup and what is written to them (config-linux.md, "Control groups";
// the kernel's cgroup-v2.rst). Pure. Devices are a program of their own (devices.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// What a cgroup says now, as far as new values depend on it. As it stands: a cgroup that was just made.
struct Present {
    std::string cpu_max = "max 100000";  // quota and period: a period alone keeps the quota
    std::string cpu_weight = "100";      // 0 where it is idle
    std::string memory_max = "max";      // of memory and swap together, swap alone is what is above it
};

// In the order in which they are to be written; what `unified` says comes last and so has the last word.
// A value that means "unset" (null, an empty list, and 0 but for pids.limit, cpu.burst and cpu.idle) is no
// setting and needs no controller. One that means "no limit" (-1, a rate of 0) is a setting, because it may
// have to lift one, but needs no controller either (`may_lack`). v1-only values (kernel memory, swappiness,
// real-time CPU time, leaf weights, network classes) are none either: cgroup v2 has no file for them
// (version_one.hpp). Kind::invalid_config, naming the JSON pointer, the value and the reason: a weight
// out of range, a huge page size that is not written as the kernel writes it, a swap limit below the memory
// limit, a `unified` key that is no file of a controller. `where` stands before each pointer: whose resources
// they are.
inline constexpr std::string_view of_config = "config.json: /linux/resources";
Result<std::vector<plan::CgroupSetting>> settings_of(const spec::Resources& resources,
                                                     const Present& present = {},
                                                     std::string_view where = of_config);

// cpu.shares (2 to 262144, 1024 by default) -> cpu.weight (1 to 10000, 100 by default): the quadratic formula
// through (2, 1), (1024, 100) and (262144, 10000) on logarithmic scales, which runc has since 1.3.2 and crun
// since 1.23. Those outside count as the nearest inside.
std::uint64_t cpu_weight(std::uint64_t shares);

// blkio weight (10 to 1000) -> io.weight (1 to 10000), linear, as runc and crun.
std::uint64_t io_weight(std::uint64_t weight);

// "memory" of "memory.max": who has the file.
std::string_view controller_of(std::string_view file);

}  // namespace bulkhead::cgroups
