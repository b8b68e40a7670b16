// SPDX-License-Identifier: Apache-2.0
// CLI11, fed from the table of flags: plain words to Options, and the help text. Its exceptions end in
// options.cpp.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"

namespace bulkhead::cli {

// Sets up only the flags that `arguments` has words for: `bulkhead state ID` builds no parser at all.
Result<Options> read_options(const Arguments& arguments);

// The help of one command; Command::none: of the whole program.
std::string help_text(Command command);

}  // namespace bulkhead::cli
