// SPDX-License-Identifier: Apache-2.0
// Which controllers limits need, whether a cgroup can have them, and handing them down to it (cgroup-v2.rst,
// "Enabling and Disabling").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::cgroups {

// Those that the settings cannot do without, each once, sorted: "cpu", "memory". Pure.
std::vector<std::string> controllers_of(std::span<const plan::CgroupSetting> settings);

// Checks that the cgroups above `path` can hand down the controllers that `settings` need, and that this
// machine has huge pages of the sizes they name. Changes nothing. Kind::unsupported, naming the property, the
// controller, and where it is instead: mounted as cgroup v1, or not handed down by a cgroup above that the
// caller may not write to.
Result<> check_settings(int hierarchy_fd, const std::string& path,
                        std::span<const plan::CgroupSetting> settings);

// "+controller" in cgroup.subtree_control of each cgroup above `path`, from the root down, where it is not
// there yet. It stays when the container goes: neighbours may use it. Those in `needed` have to be had; the
// others of this machine are handed down as far as that goes, as runc does: engines read memory.current and
// pids.current of containers without limits, too.
Result<> enable_controllers(int hierarchy_fd, const std::string& path, std::span<const std::string> needed);

}  // namespace bulkhead::cgroups
