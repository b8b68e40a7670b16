// SPDX-License-Identifier: Apache-2.0
// The input of `update`: flags, or resources as JSON in a file or on stdin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::cli {

// A number of bytes as runc's flags take it: 1073741824, 512m, 1.5G, 2GiB, with powers of 1024; -1 is
// "unlimited". Kind::usage, naming `flag`.
Result<std::int64_t> parse_size(std::string_view flag, std::string_view word);

// The new limits. With --resources the other flags count for nothing, as in runc. What cannot be changed
// here (real-time CPU time, kernel memory: cgroup v1 only) is taken and ignored, as there.
Result<runtime::UpdateRequest> update_request(const UpdateFlags& flags, std::string id);

}  // namespace bulkhead::cli
