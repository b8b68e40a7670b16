// SPDX-License-Identifier: Apache-2.0
// Runs another program of the host to its end.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace bulkhead {

// Runs `program` (an absolute path) with an empty environment, /dev/null as its input and no other descriptor
// than its output, and returns what it wrote, without the newline at the end. It is killed after
// `deadline_ms`; more than `output_limit` bytes of output, or an exit status other than 0, is an error.
Result<std::string> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                int deadline_ms, std::size_t output_limit = 64 << 10);

}  // namespace bulkhead
