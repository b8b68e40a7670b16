// SPDX-License-Identifier: Apache-2.0
// Reading a bundle: config.json through parser and checks, and the root directory it names.
#pragma once

#include <string>

#include "base/error.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

struct Bundle {
    std::string path;  // absolute
    std::string root;  // absolute, a directory
    spec::ValidSpec spec;
};

// `path` empty: the current directory. Errors in runc's words where engines know them.
Result<Bundle> load_bundle(const std::string& path);

}  // namespace bulkhead::runtime
