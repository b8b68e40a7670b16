// SPDX-License-Identifier: Apache-2.0
// The requests to the host-helper: one function for each first word of its command line.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::host_helper {

// Prints the target of the first cgroup2 mount. Returns 1 if there is none.
int cgroup2_mount(const std::vector<std::string>& arguments);

// Connects to systemd at the first of these addresses (cgroups/bus.hpp) that answers, and answers requests
// from the standard input (cgroups/systemd.hpp) until the other side closes it.
int serve_systemd(const std::vector<std::string>& addresses);

}  // namespace bulkhead::host_helper
