// SPDX-License-Identifier: Apache-2.0
// Limits that only cgroup v1 has. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cgroups/limits/resources.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// A sentence for each value that asks for something and that settings_of leaves out, because cgroup v2 has no
// file for it. A value that asks for nothing (such as -1) has none. `where` is that of settings_of.
std::vector<std::string> warnings_of_version_1(const spec::Resources& resources,
                                               std::string_view where = of_config);

}  // namespace bulkhead::cgroups
