// SPDX-License-Identifier: Apache-2.0
// A container's state as hooks and seccomp agents read it (runtime.md 1.3, "State").
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

// One JSON object: ociVersion, id, status, pid, bundle, annotations. `pid` is 0 if there is no process.
std::string oci_state(const State& state, std::string_view status, pid_t pid);

// The pid that a process of the host has in its own pid namespace. 0 if it has none yet: a process that
// joined a pid namespace is not in it, its children are.
pid_t pid_inside(pid_t pid);

// The last number of "NSpid:" in the text of /proc/PID/status; 0 if there is none.
pid_t innermost_pid(std::string_view status);

}  // namespace bulkhead::runtime
