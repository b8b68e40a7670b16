// SPDX-License-Identifier: Apache-2.0
// The output of `state`, `list` and `--version`, in the shapes that engines parse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/container/container.hpp"

namespace bulkhead::cli {

// The versions of this binary and its libraries.
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

// One line; `null` if there is nothing, as Go prints an empty list.
std::string list_json(const std::vector<runtime::View>& containers);
std::string list_table(const std::vector<runtime::View>& containers);
std::string list_ids(const std::vector<runtime::View>& containers);

}  // namespace bulkhead::cli
