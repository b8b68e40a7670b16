// SPDX-License-Identifier: Apache-2.0
// The calls to systemd that a container needs (org.freedesktop.systemd1(5)).
#pragma once

#include <span>

#include "cgroups/systemd/host_helper/connection.hpp"

namespace bulkhead::host_helper {

using Words = std::span<const std::string>;

// systemd's version and its own cgroup.
Answer<std::vector<std::string>> describe_manager(Connection& systemd);

// NAME PID PROPERTY...: starts a transient unit with that process in it (0: none), and waits until it has
// started. A unit of that name that has failed, or is about to end, makes room. The answer is the unit's
// invocation id and its cgroup.
Answer<std::vector<std::string>> start_unit(Connection& systemd, Words words);

// INVOCATION PROPERTY...: sets the properties until the next boot.
Answer<std::vector<std::string>> set_properties(Connection& systemd, Words words);

// NAME INVOCATION: stops the unit, waits for its end, and makes systemd forget its failure. A unit that is
// gone is a success. Without an invocation systemd only forgets a failure, because the name may belong to
// another unit by now.
Answer<std::vector<std::string>> stop_unit(Connection& systemd, Words words);

// NAME BELOW PID: moves a process into the unit. BELOW is "", or the path of a cgroup in the unit.
Answer<std::vector<std::string>> attach_process(Connection& systemd, Words words);

}  // namespace bulkhead::host_helper
