// SPDX-License-Identifier: Apache-2.0
// The output of `ps`: pids, or their rows of ps(1).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cli {

// One line; `null` if there is nothing, as Go prints an empty list.
std::string processes_json(const std::vector<pid_t>& pids);

// The header of what ps(1) has printed, and those rows whose PID is among `pids` (sorted). A header without a
// PID column, or a row without a number in it, is an error.
Result<std::string> processes_table(std::string_view printed, const std::vector<pid_t>& pids);

}  // namespace bulkhead::cli
