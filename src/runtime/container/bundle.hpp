// SPDX-License-Identifier: Apache-2.0
// Reading a bundle: config.json through parser and checks, and the root directory it names.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "rootfs/overlay_grants.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

struct Bundle {
    std::string path;  // absolute
    std::string root;  // absolute; a directory, unless layers make the root
    std::string text;  // of config.json
    spec::ValidSpec spec;
};

// `path` empty: the current directory. Errors in runc's words if engines know them.
Result<Bundle> load_bundle(const std::string& path);

// Checks that the directories of an overlay root exist.
Result<> check_layers(const spec::ValidSpec& spec, const rootfs::OverlayGrants& grants);

}  // namespace bulkhead::runtime
