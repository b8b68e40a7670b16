// SPDX-License-Identifier: Apache-2.0
#include "cgroups/statistics/keyed.hpp"

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

NestedRow row_of(const std::vector<std::string_view>& words) {
    NestedRow row{.name = words.front(), .pairs = {}};
    for (const std::string_view word : words) {
        const std::size_t equals = word.find('=');
        if (equals != word.npos) row.pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return row;
}

}  // namespace

std::optional<std::uint64_t> single_value(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text == "max") return unlimited;
    return parse_decimal<std::uint64_t>(text);
}

std::map<std::string, std::uint64_t> flat_keyed(std::string_view text) {
    std::map<std::string, std::uint64_t> rows;
    for (const std::string_view line : split(text, '\n')) {
        const std::vector<std::string_view> words = blank_separated(line);
        if (words.size() != 2) continue;
        if (const auto value = parse_decimal<std::uint64_t>(words[1])) rows.emplace(words[0], *value);
    }
    return rows;
}

std::vector<NestedRow> nested_keyed(std::string_view text) {
    std::vector<NestedRow> rows;
    for (const std::string_view line : split(text, '\n'))
        if (const std::vector<std::string_view> words = blank_separated(line); !words.empty())
            rows.push_back(row_of(words));
    return rows;
}

}  // namespace bulkhead::cgroups
