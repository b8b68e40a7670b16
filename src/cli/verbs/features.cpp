// SPDX-License-Identifier: Apache-2.0
#include "cgroups/unit_properties.hpp"
#include "cli/render.hpp"
#include "cli/verbs.hpp"
#include "rootfs/options.hpp"
#include "rootfs/plan_overlay.hpp"
#include "seccomp/library.hpp"
#include "spec/capabilities.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> features(const Call&) {
    std::vector<std::string_view> capabilities;
    capabilities.reserve(bulkhead::spec::capability_names.size());
    for (const auto& capability : bulkhead::spec::capability_names) capabilities.push_back(capability.text);
    const SeccompFeatures filters{seccomp::known_architectures(), seccomp::supported_flags()};
    const auto overlay = rootfs::overlay_annotations();
    std::vector<std::string_view> unsafe(overlay.begin(), overlay.end());
    unsafe.push_back(cgroups::property_annotation);
    return Outcome{
        features_json(this_build(), rootfs::known_options(), capabilities, unsafe, filters), 0, {}};
}

}  // namespace bulkhead::cli::verbs
