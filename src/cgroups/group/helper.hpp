// SPDX-License-Identifier: Apache-2.0
// Asks the host-helper program, which is linked with the libraries that the static main binary cannot have.
#pragma once

#include <string>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// Runs `program` (an absolute path) with the one argument `request`, an empty environment, /dev/null as its
// input and no other descriptor than its output. Returns its output without the final newline. Kills the
// program after `deadline_ms`. More than 64 KiB of output or an exit status other than 0 is an error.
Result<std::string> ask_helper(const std::string& program, const std::string& request,
                               int deadline_ms = 2000);

}  // namespace bulkhead::cgroups
