// SPDX-License-Identifier: Apache-2.0
// The values of bulkhead.yaml; bulkhead.yaml(5) has the schema. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "spec/choices.hpp"

namespace bulkhead::cli {

// Values for what the command line leaves out. Empty or absent: the file has none either.
struct Defaults {
    std::string file;  // its path; empty: there is none
    std::string log;
    std::string log_format = "text";  // these two are of `log`
    std::string log_level = "warning";
    std::string cgroup_manager;  // cgroupfs or systemd
    std::optional<std::vector<std::string>> overlay_from;
    std::optional<std::vector<std::string>> overlay_upper_from;
    std::string seccomp = "none";  // as of spec --seccomp
    spec::Choices spec;
};

// `name`: the file's, for messages. Errors are Kind::invalid_config and begin with NAME:LINE:COLUMN.
Result<Defaults> parse_defaults(std::string_view text, std::string_view name);

}  // namespace bulkhead::cli
