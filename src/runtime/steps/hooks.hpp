// SPDX-License-Identifier: Apache-2.0
// Running hooks outside a creation: those of start and delete.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/timeline.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

// Walks a timeline of compile_hook_run for the container of `state`. Returns the hooks of poststop that
// failed, one sentence each. Errors: a hook of another kind that failed, which ends the rest.
Result<std::vector<std::string>> run_hooks(const plan::Timeline& timeline, const State& state);

}  // namespace bulkhead::runtime
