// SPDX-License-Identifier: Apache-2.0
// Prepares env and args of the process (config.md, "Process"). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::process {

// The last value of each name, at the place of the last entry, as in runc. `HOME` without a value counts as
// missing.
std::vector<std::string> unique_environment(const std::vector<std::string>& entries);

// The value of `name`, empty if it is missing. Validation guarantees a "=" in each entry.
std::string_view value_of(const std::vector<std::string>& environment, std::string_view name);

// The paths that execvp would try: the name itself if it has a slash, else the name in each directory of the
// container's PATH. An empty element is the working directory.
std::vector<std::string> candidates(std::string_view name, std::string_view path);

}  // namespace bulkhead::process
