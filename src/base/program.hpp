// SPDX-License-Identifier: Apache-2.0
// Runs another program of the host to its end.
#pragma once

#include <sys/types.h>

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

// Starts it, with an empty environment and no descriptors but these: its input (-1: /dev/null), and both its
// outputs. The caller reaps it.
Result<pid_t> spawn_program(const std::string& program, const std::vector<std::string>& arguments, int input,
                            int output);

// The content of a file, from its beginning, without newlines at the end.
Result<std::string> output_of(int file, std::size_t limit);

}  // namespace bulkhead
