// SPDX-License-Identifier: Apache-2.0
// The calls to systemd that a container needs (org.freedesktop.systemd1(5)).
#pragma once

#include <span>

#include "cgroups/systemd/host_helper/connection.hpp"

namespace bulkhead::host_helper {

using Words = std::span<const std::string>;

// Its version, and its own cgroup.
Answer<std::vector<std::string>> describe_manager(Connection& systemd);

// NAME PID PROPERTY...: starts a transient unit with that process in it (0: none), and waits until it is. One
// of that name that has failed, or is just ending, makes room. The answer is the unit's invocation id and its
// cgroup.
Answer<std::vector<std::string>> start_unit(Connection& systemd, Words words);

// INVOCATION PROPERTY...: until the machine is booted again.
Answer<std::vector<std::string>> set_properties(Connection& systemd, Words words);

// NAME INVOCATION: stops the unit, waits until that is done, and makes systemd forget that it failed. One
// that is gone is a success. Without an invocation only the failure is forgotten: the name may be another
// unit's by now.
Answer<std::vector<std::string>> stop_unit(Connection& systemd, Words words);

// NAME BELOW PID: moves a process into the unit; BELOW is "", or the path of a cgroup in it.
Answer<std::vector<std::string>> attach_process(Connection& systemd, Words words);

}  // namespace bulkhead::host_helper
