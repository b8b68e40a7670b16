// SPDX-License-Identifier: Apache-2.0
// The parts of the default config.json that bulkhead.yaml(5) may choose: `spec`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::spec {

// soft and hard limit; RLIM_INFINITY: unlimited
struct ChosenLimit {
    std::string type;
    std::uint64_t value = 0;

    bool operator==(const ChosenLimit&) const = default;
};

// An absent choice leaves default_document as it is.
struct Choices {
    std::optional<std::string> hostname;
    std::optional<bool> terminal;
    std::optional<bool> no_new_privileges;
    std::optional<bool> readonly;                          // of the root
    std::optional<std::vector<std::string>> env;           // NAME=VALUE, all of them
    std::optional<std::vector<std::string>> capabilities;  // of each of the sets that the default fills
    std::optional<std::vector<ChosenLimit>> rlimits;
};

// A document of default_document or rootless_document with these choices, in the same layout. Pure.
std::string with_choices(std::string document, const Choices& choices);

}  // namespace bulkhead::spec
