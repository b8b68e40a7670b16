// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"
#include "cli/verbs.hpp"
#include "rootfs/options.hpp"
#include "spec/capabilities.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> features(const Call&) {
    std::vector<std::string_view> capabilities;
    capabilities.reserve(bulkhead::spec::capability_names.size());
    for (const auto& capability : bulkhead::spec::capability_names) capabilities.push_back(capability.text);
    return Outcome{features_json(this_build(), rootfs::known_options(), capabilities), 0, {}};
}

}  // namespace bulkhead::cli::verbs
