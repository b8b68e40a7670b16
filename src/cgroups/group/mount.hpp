// SPDX-License-Identifier: Apache-2.0
// Where cgroup v2 is mounted on this host.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

struct Hierarchy {
    std::string mount;    // an absolute path
    bool hybrid = false;  // not at its own place, so cgroup v1 probably holds some of the controllers
};

// Looks at /sys/fs/cgroup (pure v2) and /sys/fs/cgroup/unified (a hybrid host of systemd's layout), then asks
// the program that `helper` finds (nullptr: nobody) for another mount. Kind::unsupported where there is none,
// with what was found instead.
Result<Hierarchy> find_hierarchy(Result<std::string> (*helper)());

// Its root as a directory descriptor. Kind::unsupported where it is not CGROUP2_SUPER_MAGIC.
Result<Fd> open_hierarchy(const std::string& mount);

}  // namespace bulkhead::cgroups
