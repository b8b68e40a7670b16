// SPDX-License-Identifier: Apache-2.0
// The hooks of start and delete, from the config that create kept. Later edits of the bundle have no effect.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "plan/timeline.hpp"
#include "runtime/container/container.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

// Timelines of compile_hook_run; empty if there are no hooks.
struct StartHooks {
    plan::Timeline start_container;
    plan::Timeline poststart;
};
// `directory` is the container's state directory. Errors: a config that is missing or broken.
Result<StartHooks> hooks_of_start(const Site& site, int directory, const State& state);

struct DeleteHooks {
    plan::Timeline poststop;
    std::vector<std::string> warnings;  // why there are none; delete works nevertheless
};
DeleteHooks hooks_of_delete(int directory, const State& state);

// Runs the hooks of poststop, whose container is gone. Returns those that failed, one sentence each.
std::vector<std::string> run_poststop(const DeleteHooks& hooks, const State& state);

// After a failed hook of start (runtime.md 1.3, "Lifecycle"): kills and removes the container and runs its
// poststop hooks, unless another verb has removed it meanwhile. Returns `why`, with a sentence for each
// failure on the way.
Error discard(const Site& site, const State& state, Fd directory, Error why);

// `error` and further sentences.
Error with_warnings(Error error, const std::vector<std::string>& warnings);

}  // namespace bulkhead::runtime
