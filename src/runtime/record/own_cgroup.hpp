// SPDX-License-Identifier: Apache-2.0
// A container's cgroup by identity: path and inode, since a path alone can be somebody else's by now.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

// The cgroup that the record means. No descriptor where it is gone, where another one has its path, or where
// the runtime was killed before it could write down which one it made: nothing of the container can run in it
// then.
Result<Fd> open_own_cgroup(const State& state);

}  // namespace bulkhead::runtime
