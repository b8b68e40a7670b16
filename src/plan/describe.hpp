// SPDX-License-Identifier: Apache-2.0
// The object that a step acts on, in words: explain, errors and the trace use it.
#pragma once

#include <string>

#include "plan/timeline.hpp"

namespace bulkhead::plan {

// The object of a step: "022", "tmpfs on /dev/shm (nosuid)". A step without its overload in describe_host.cpp
// or describe_init.cpp does not compile.
std::string object_of(const HostOp& op);
std::string object_of(const InitStep& step, ArenaView arena);

}  // namespace bulkhead::plan
