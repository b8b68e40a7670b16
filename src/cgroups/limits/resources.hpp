// SPDX-License-Identifier: Apache-2.0
// Turns linux.resources into files of a cgroup and their texts (config-linux.md, "Control groups"; the
// kernel's cgroup-v2.rst). Pure. Devices are a program of their own (devices.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// The current values of a cgroup that new values depend on. The defaults are those of a new cgroup.
struct Present {
    std::string cpu_max = "max 100000";  // quota and period: a period alone keeps the quota
    std::string cpu_weight = "100";      // 0: the cgroup is idle
    std::string memory_max = "max";      // swap alone is the part of `swap` above it
};

// The settings in the order in which they must be written. `unified` comes last and so overrides the others.
// A value that means "unset" (null, an empty list, and 0 but for pids.limit, cpu.burst and cpu.idle) is no
// setting and needs no controller. A value that means "no limit" (-1, a rate of 0) is a setting, because it
// may have to lift a limit, but needs no controller either (`may_lack`). A value of cgroup v1 alone (kernel
// memory, swappiness, real-time CPU time, leaf weights, network classes) is no setting (version_one.hpp).
// Kind::invalid_config names the JSON pointer, the value and the reason: a weight out of range, a huge page
// size that is not written as the kernel writes it, a swap limit below the memory limit, a `unified` key that
// is no file of a controller. `where` stands in front of each pointer and names the owner of the resources.
inline constexpr std::string_view of_config = "config.json: /linux/resources";
Result<std::vector<plan::CgroupSetting>> settings_of(const spec::Resources& resources,
                                                     const Present& present = {},
                                                     std::string_view where = of_config);

// cpu.shares (2 to 262144, 1024 by default) -> cpu.weight (1 to 10000, 100 by default): the quadratic formula
// through (2, 1), (1024, 100) and (262144, 10000) on logarithmic scales, which runc has since 1.3.2 and crun
// since 1.23. Shares out of range count as the nearest in range.
std::uint64_t cpu_weight(std::uint64_t shares);

// blkio weight (10 to 1000) -> io.weight (1 to 10000), linear, as in runc and crun.
std::uint64_t io_weight(std::uint64_t weight);

// "memory" of "memory.max": the controller that has the file.
std::string_view controller_of(std::string_view file);

}  // namespace bulkhead::cgroups
