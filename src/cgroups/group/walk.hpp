// SPDX-License-Identifier: Apache-2.0
// A cgroup and all below it, however deep or wide a container has made that.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// True of the errors that mean that somebody else removed the cgroup meanwhile.
bool is_gone(const Error& error);

// Calls enter(directory) for `top` and each cgroup below it, parents first, and leave(parent, name) for each
// one below it, children first. Iterative, with two open descriptors and the names of the unfinished ones in
// memory: a container may nest thousands deep, beyond PATH_MAX and RLIMIT_NOFILE. An error of theirs ends
// the walk; cgroups that vanish on the way do not.
using Enter = std::function<Result<>(int directory)>;
using Leave = std::function<Result<>(int parent, const std::string& name)>;
Result<> walk(int top, const Enter& enter, const Leave& leave);

}  // namespace bulkhead::cgroups
