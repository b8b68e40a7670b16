// SPDX-License-Identifier: Apache-2.0
// Finds the controllers that limits need, checks that a cgroup can have them, and hands them down to it
// (cgroup-v2.rst, "Enabling and Disabling").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::cgroups {

// The controllers that the settings need, each once, sorted: "cpu", "memory". Pure.
std::vector<std::string> controllers_of(std::span<const plan::CgroupSetting> settings);

// Checks that the cgroups above `path` can hand down the controllers that `settings` need, and that this
// machine has huge pages of the sizes in them. Changes nothing. Kind::unsupported names the property, the
// controller and the reason: it is mounted as cgroup v1, or a cgroup above that the caller may not write to
// does not hand it down.
Result<> check_settings(int hierarchy_fd, const std::string& path,
                        std::span<const plan::CgroupSetting> settings);

// Writes "+controller" to cgroup.subtree_control of each cgroup above `path`, from the root down, where it is
// missing. It stays when the container goes, because neighbours may use it. A controller in `needed` that
// cannot be handed down is an error. All others of this machine are tried, as in runc, because engines read
// memory.current and pids.current of containers without limits, too.
Result<> enable_controllers(int hierarchy_fd, const std::string& path, std::span<const std::string> needed);

}  // namespace bulkhead::cgroups
