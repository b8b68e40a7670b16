// SPDX-License-Identifier: Apache-2.0
// What the host-helper can be asked: one function for each word that may stand first on its command line.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::host_helper {

// Prints the target of the first cgroup2 mount. 1: there is none.
int cgroup2_mount(const std::vector<std::string>& arguments);

// Connects to systemd at the first of these addresses (cgroups/systemd/bus.hpp) that answers, and answers
// requests that arrive on the standard input (cgroups/systemd/systemd.hpp) until that is closed.
int serve_systemd(const std::vector<std::string>& arguments);

}  // namespace bulkhead::host_helper
