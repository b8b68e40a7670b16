// SPDX-License-Identifier: Apache-2.0
// config.json -> Spec. Checks that the text is JSON within bounds and that every property has its type and
// range; validate.hpp checks properties against each other.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "spec/json.hpp"
#include "spec/spec.hpp"

namespace bulkhead::spec {

// The whole document. Unknown properties are ignored (config.md, "Extensibility"), null counts as absent.
// Every error is a Kind::invalid_config that names the JSON pointer, the value and the reason:
//     config.json: /process/user/uid: -1: must be a whole number from 0 to 4294967294
Result<Spec> parse(std::string_view text);

// A document that is one process object (exec --process FILE); `name` stands for it in errors.
Result<Process> parse_process(std::string_view text, std::string_view name);

// A document that is one resources object (update --resources FILE).
Result<Resources> parse_resources(std::string_view text, std::string_view name);

// The kinds of hooks that a document may have, in the order in which they run.
std::vector<std::string_view> hook_names();

}  // namespace bulkhead::spec
