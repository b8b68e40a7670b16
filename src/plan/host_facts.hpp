// SPDX-License-Identifier: Apache-2.0
// What the machine can do, probed once (runtime/probe.cpp) and then a value: planners decide on it, tests
// invent it.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::plan {

struct HostFacts {
    unsigned kernel_major = 0;
    unsigned kernel_minor = 0;
    std::uint32_t last_capability = 40;  // of the running kernel
    std::string cgroup_mount;            // where cgroup2 is mounted
    bool cgroup_hybrid = false;          // controllers are mounted as cgroup v1 beside it
    std::string own_cgroup;              // the runtime's own cgroup below cgroup_mount

    bool kernel_at_least(unsigned major, unsigned minor) const {
        return kernel_major > major || (kernel_major == major && kernel_minor >= minor);
    }
};

}  // namespace bulkhead::plan
