// SPDX-License-Identifier: Apache-2.0
#include "process/environment.hpp"

#include <algorithm>
#include <ranges>
#include <unordered_set>

#include "base/text.hpp"

namespace bulkhead::process {

namespace {

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

}  // namespace

std::vector<std::string> unique_environment(const std::vector<std::string>& entries) {
    std::unordered_set<std::string_view> seen;
    std::vector<std::string> kept;
    for (const std::string& entry : std::views::reverse(entries))
        if (seen.insert(name_of(entry)).second) kept.push_back(entry);
    std::ranges::reverse(kept);
    std::erase(kept, "HOME=");
    return kept;
}

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
    const auto entry = std::ranges::find(environment, name, name_of);
    return entry == environment.end() ? std::string_view() : std::string_view(*entry).substr(name.size() + 1);
}

std::vector<std::string> candidates(std::string_view name, std::string_view path) {
    if (name.find('/') != std::string_view::npos) return {std::string(name)};
    std::vector<std::string> places;
    if (path.empty() || name.empty()) return places;
    for (const std::string_view directory : split(path, ':'))
        places.push_back(cat(directory.empty() ? std::string_view(".") : directory, '/', name));
    return places;
}

}  // namespace bulkhead::process
