// SPDX-License-Identifier: Apache-2.0
// The power of a container's root over what its users have made on the host.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::runtime {

// Has newuidmap(1) and newgidmap(1) map the ids of a process's user namespace.
Result<> map_by_helper(pid_t pid, const plan::IdMaps& maps);

// Runs `act` in a child that has a new user namespace with these maps, and every capability in it. So a
// caller who is not root may do what the container's root might: remove cgroups that another user of the
// container has made. Returns the error of `act`, or why there is no such child.
Result<> as_mapped_root(const plan::IdMaps& maps, const std::function<Result<>()>& act);

}  // namespace bulkhead::runtime
