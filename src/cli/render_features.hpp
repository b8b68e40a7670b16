// SPDX-License-Identifier: Apache-2.0
// The output of `features` (features.md and features-linux.md of the runtime-spec). The words come from the
// tables that the code works with; the verb collects them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/render.hpp"

namespace bulkhead::cli {

using Words = std::vector<std::string_view>;

struct SeccompFeatures {
    Words actions;
    Words operators;
    Words architectures;  // that the linked libseccomp knows
    Words known_flags;
    Words supported_flags;  // by the running kernel; everything else is the same on every machine
};

struct MemoryPolicyFeatures {
    Words modes;
    Words flags;
};

struct IntelRdtFeatures {
    bool enabled = false;
    bool schemata = false;
    bool monitoring = false;
};

struct Features {
    std::string_view oldest_version;
    std::string_view newest_version;
    Words hooks;
    Words mount_options;
    Words namespaces;
    Words capabilities;
    SeccompFeatures seccomp;
    bool systemd = false;  // units, of the machine's systemd and of a user's
    bool apparmor = false;
    bool selinux = false;
    IntelRdtFeatures intel_rdt;
    MemoryPolicyFeatures memory_policy;  // empty: none
    bool checkpoint = false;
    Words unsafe_annotations;  // of config.json that change what the runtime does; "x." is all that begin so
};

std::string features_json(const Build& build, const Features& features);

}  // namespace bulkhead::cli
