// SPDX-License-Identifier: Apache-2.0
// The whole program between argv and the exit code.
#pragma once

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/log.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli {

// Does what the command line asks for.
Result<VerbResult> perform(const Arguments& arguments, const Options& options, const Caller& caller);

// Tells the caller: output to stdout, errors and warnings to the log. Returns the exit code.
int tell(const Result<VerbResult>& outcome, const Log& log);

}  // namespace bulkhead::cli
