// SPDX-License-Identifier: Apache-2.0
// Makes the container the owner of its cgroup.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// Makes `owner` the owner of the cgroup (cgroup-v2.rst, "Model of Delegation"): of the directory, so that
// cgroups can be made in it, and of the files that move processes and controllers, which
// /sys/kernel/cgroup/delegate names (4.15). Limits, freeze and kill stay the host's. A file that the cgroup
// does not have is no error. Needs CAP_CHOWN (Kind::denied).
Result<> delegate(int cgroup_fd, uid_t owner);

}  // namespace bulkhead::cgroups
