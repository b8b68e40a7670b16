// SPDX-License-Identifier: Apache-2.0
// The abilities of the machine, probed once (runtime/container/probe.cpp) and then a value: planners decide
// by it, and tests make it up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::plan {

struct HostFacts {
    unsigned kernel_major = 0;
    unsigned kernel_minor = 0;
    std::uint32_t last_capability = 40;  // of the running kernel
    std::string cgroup_mount;            // where cgroup2 is mounted
    std::string no_cgroup_mount;         // why that is empty
    bool cgroup_hybrid = false;          // controllers are mounted as cgroup v1 beside it
    std::string own_cgroup;              // the runtime's own cgroup below cgroup_mount
    bool systemd_of_user = false;        // for the systemd driver: a user's manager, not the machine's
    unsigned systemd_version = 0;        // ... its version
    std::string systemd_cgroup;          // ... and its own cgroup
    std::uint32_t uid = 0;               // of the runtime
    std::uint32_t gid = 0;
    bool privileged = true;                          // CAP_SYS_ADMIN in its user namespace
    std::uint64_t capabilities = ~std::uint64_t{0};  // its permitted set, which the stage's is, too
    bool initial_user_namespace = true;
    bool groups_denied = false;  // setgroups(2), in the runtime's own user namespace
    std::uint16_t rows = 0;      // of the caller's terminal, if the container's is as large
    std::uint16_t columns = 0;
    bool apparmor = false;  // the security modules that are in force
    bool selinux = false;
    std::string resctrl_mount;               // looked for only if linux.intelRdt is set; empty: none
    std::vector<std::string> kernel_mounts;  // where procfs and sysfs are mounted; only for --no-pivot

    // Mounting needs a user namespace of the container's own.
    bool rootless() const { return !privileged; }

    // mount_setattr(2) is 5.12, and knows every attribute (nosymfollow) since 5.14.
    bool sets_mount_attributes() const { return kernel_at_least(5, 14); }

    // The reason why this kernel is too old.
    std::string needs_kernel(unsigned major, unsigned minor) const {
        return "needs Linux " + std::to_string(major) + '.' + std::to_string(minor) + ", and this is " +
               std::to_string(kernel_major) + '.' + std::to_string(kernel_minor);
    }

    bool kernel_at_least(unsigned major, unsigned minor) const {
        return kernel_major > major || (kernel_major == major && kernel_minor >= minor);
    }
};

}  // namespace bulkhead::plan
