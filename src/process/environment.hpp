// SPDX-License-Identifier: Apache-2.0
// env and args of the process (config.md, "Process"). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::process {

// Of a name given twice the last value stays, at the place of the last, as in runc. `HOME` without a value
// counts as not given.
std::vector<std::string> unique_environment(const std::vector<std::string>& entries);

// The value of `name`, empty where it is not there. Each entry has a "=": validation insists.
std::string_view value_of(const std::vector<std::string>& environment, std::string_view name);

// Where execvp would look: the name itself if it has a slash, else the name in each directory of the
// container's PATH. An empty element is the working directory.
std::vector<std::string> candidates(std::string_view name, std::string_view path);

}  // namespace bulkhead::process
