// SPDX-License-Identifier: Apache-2.0
// A profile as the JSON of config.json. Pure.
#pragma once

#include <string>

#include "spec/profile.hpp"

namespace bulkhead::seccomp {

// The object that stands after "seccomp":, laid out for the place it has within "linux" of a config.json
// with tabs. spec::parse makes the same profile of it.
std::string profile_json(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
