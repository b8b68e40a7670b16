// SPDX-License-Identifier: Apache-2.0
// The formats of the files of a cgroup (cgroup-v2.rst, "Format"). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::cgroups {

inline constexpr std::uint64_t unlimited = UINT64_MAX;  // "max" in a file

// One number, or "max".
std::optional<std::uint64_t> single_value(std::string_view text);

// Rows of "KEY NUMBER". Rows of any other kind are left out, because a newer kernel may add some.
std::map<std::string, std::uint64_t> flat_keyed(std::string_view text);

// A row of "NAME KEY=VALUE KEY=VALUE...".
struct NestedRow {
    std::string_view name;
    std::vector<std::pair<std::string_view, std::string_view>> pairs;
};
std::vector<NestedRow> nested_keyed(std::string_view text);

}  // namespace bulkhead::cgroups
