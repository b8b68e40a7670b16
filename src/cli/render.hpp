// SPDX-License-Identifier: Apache-2.0
// What `state`, `list`, `features` and `--version` print: shapes that engines parse.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/container.hpp"

namespace bulkhead::cli {

// What this binary is made of.
struct Build {
    std::string version;
    std::string commit;
    std::string libseccomp;
};

Build this_build();

// Exactly one line has the word "version": dockerd splits every one that does.
std::string version_text(const Build& build);

// Indented by two, no newline at the end, as runc prints it. The owner is empty here, and only here.
std::string state_json(const runtime::View& container);

// One line; `null` where there is nothing, as Go prints an empty list.
std::string list_json(const std::vector<runtime::View>& containers);
std::string list_table(const std::vector<runtime::View>& containers);
std::string list_ids(const std::vector<runtime::View>& containers);

// What is not the same on every machine; the rest of it is in the word lists of src/spec.
struct SeccompFeatures {
    std::vector<std::string_view> architectures;  // that the linked libseccomp knows
    std::vector<std::string_view> flags;          // that the running kernel takes
};

// All lists sorted. dockerd and CRI-O look for "rro" in the mount options.
std::string features_json(const Build& build, std::span<const std::string_view> mount_options,
                          std::span<const std::string_view> capabilities,
                          std::span<const std::string_view> unsafe_annotations,
                          const SeccompFeatures& seccomp);

}  // namespace bulkhead::cli
