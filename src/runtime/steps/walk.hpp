// SPDX-License-Identifier: Apache-2.0
// The host walker: one loop over a timeline. Everything that bulkhead changes on a host, it changes from
// here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/steps/context.hpp"

namespace bulkhead::runtime {

// Walks the host lane. On the first failure it kills and reaps the stage, undoes the finished steps
// backwards, and returns the error. Nothing is left of a creation that failed, except what the error names.
Result<> walk(const plan::Timeline& timeline, ExecutionContext& context);

// The times as text: a line for each step, both lanes in order, microseconds since `begin`
// (sys::monotonic_ns).
std::string trace_text(const plan::Timeline& timeline, const std::vector<plan::StepTime>& times,
                       std::uint64_t begin);

// Writes the times of a traced walk into a file. The process runs already, so a failure is a warning: it
// returns one sentence then, and else none.
std::vector<std::string> write_trace(const std::string& path, const plan::Timeline& timeline,
                                     const Walk& walk, std::uint64_t begin);

}  // namespace bulkhead::runtime
