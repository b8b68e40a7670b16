// SPDX-License-Identifier: Apache-2.0
// The capabilities of Linux by name. A running kernel may have fewer: the process room asks it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace bulkhead::spec {

struct CapabilityName {
    std::string_view text;
    int number;
};

// Sorted by name.
extern const std::array<CapabilityName, 41> capability_names;

// "CAP_KILL" -> 5. Exactly as written: runc knows neither "cap_kill" nor "KILL".
std::optional<int> capability_number(std::string_view name);

}  // namespace bulkhead::spec
