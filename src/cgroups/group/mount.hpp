// SPDX-License-Identifier: Apache-2.0
// Finds the mount of cgroup v2 on this host.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

struct Hierarchy {
    std::string mount;    // an absolute path
    bool hybrid = false;  // not at /sys/fs/cgroup, so cgroup v1 probably holds some of the controllers
};

// Looks at /sys/fs/cgroup (pure v2) and /sys/fs/cgroup/unified (a hybrid host of systemd's layout), then asks
// the program that `helper` finds (nullptr: none) for another mount. Kind::unsupported if cgroup v2 is not
// mounted, with what was found instead.
Result<Hierarchy> find_hierarchy(Result<std::string> (*helper)());

// The hierarchy's root as a directory descriptor. Kind::unsupported if it is not CGROUP2_SUPER_MAGIC.
Result<Fd> open_hierarchy(const std::string& mount);

}  // namespace bulkhead::cgroups
