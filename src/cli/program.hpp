// SPDX-License-Identifier: Apache-2.0
// The whole program between argv and the exit code.
#pragma once

#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "cli/log.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli {

// Does what the command line asks for. `options` are those of the line, with the defaults of bulkhead.yaml.
Result<VerbResult> perform(const CommandLine& line, const Options& options, const Caller& caller);

// Tells the caller: output to stdout, errors and warnings to the log. Returns the exit code.
int tell(const Result<VerbResult>& outcome, const Log& log);

}  // namespace bulkhead::cli
