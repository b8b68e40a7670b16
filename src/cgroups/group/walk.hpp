// SPDX-License-Identifier: Apache-2.0
// Walks a cgroup and all below it, however deep or wide a container has made the tree.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// True for the errors of a cgroup that another process has removed meanwhile.
bool is_gone(const Error& error);

// Calls enter(directory) for `top` and each cgroup below it, parents first, and leave(parent, name) for each
// cgroup below it, children first. Iterative, with two open descriptors and the names of the unfinished
// cgroups in memory: a container may nest thousands deep, beyond PATH_MAX and RLIMIT_NOFILE. An error of a
// callback ends the walk; a cgroup that vanishes meanwhile does not.
using Enter = std::function<Result<>(int directory)>;
using Leave = std::function<Result<>(int parent, const std::string& name)>;
Result<> walk(int top, const Enter& enter, const Leave& leave);

}  // namespace bulkhead::cgroups
