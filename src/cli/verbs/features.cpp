// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/unit_properties.hpp"
#include "cli/render_features.hpp"
#include "cli/verbs.hpp"
#include "rootfs/options.hpp"
#include "rootfs/plan_overlay.hpp"
#include "seccomp/library.hpp"
#include "spec/capabilities.hpp"
#include "spec/parse.hpp"
#include "spec/words.hpp"

namespace bulkhead::cli::verbs {

namespace {

Words texts_of(const auto& table) {
    Words texts;
    for (const auto& row : table) texts.push_back(row.text);
    return texts;
}

template <class Meaning>
Words words() {
    return texts_of(spec::word_list<Meaning>().words);
}

Words unsafe_annotations() {
    const auto overlay = rootfs::overlay_annotations();
    Words names(overlay.begin(), overlay.end());
    names.push_back(cgroups::property_annotation);
    return names;
}

SeccompFeatures seccomp_features() {
    return {.actions = words<spec::SeccompAction>(),
            .operators = words<spec::SeccompOp>(),
            .architectures = seccomp::known_architectures(),
            .known_flags = words<spec::SeccompFlag>(),
            .supported_flags = seccomp::supported_flags()};
}

MemoryPolicyFeatures memory_policy() {
    return {words<spec::MemoryPolicyMode>(), words<spec::MemoryPolicyFlag>()};
}

}  // namespace

Result<VerbResult> features(const Call&) {
    const auto options = rootfs::known_options();
    const Features all{.oldest_version = spec::oldest_version,
                       .newest_version = spec::implemented_version,
                       .hooks = spec::hook_names(),
                       .mount_options = {options.begin(), options.end()},
                       .namespaces = words<spec::NamespaceType>(),
                       .capabilities = texts_of(spec::capability_names),
                       .seccomp = seccomp_features(),
                       .systemd = true,   // --systemd-cgroup
                       .apparmor = true,  // process::plan_labels knows both
                       .selinux = true,
                       .intel_rdt = {.enabled = true, .schemata = true, .monitoring = true},
                       .memory_policy = memory_policy(),
                       .checkpoint = find_command("checkpoint") != nullptr,
                       .unsafe_annotations = unsafe_annotations()};
    return VerbResult{features_json(this_build(), all), 0, {}};
}

}  // namespace bulkhead::cli::verbs
