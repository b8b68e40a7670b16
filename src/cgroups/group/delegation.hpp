// SPDX-License-Identifier: Apache-2.0
// A container's cgroup in the hands of the container.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// Makes `owner` the owner of the cgroup as the kernel means it (cgroup-v2.rst, "Model of Delegation"): of the
// directory, so that cgroups may be made in it, and of those files by which processes and controllers are
// spread over them, which /sys/kernel/cgroup/delegate names (4.15). Limits, freeze and kill stay the host's.
// A file that the cgroup has not is no error. Needs CAP_CHOWN (Kind::denied).
Result<> delegate(int cgroup_fd, uid_t owner);

}  // namespace bulkhead::cgroups
