// SPDX-License-Identifier: Apache-2.0
#include "spec/parse.hpp"

#include <algorithm>
#include <cctype>

#include "spec/fields.hpp"

namespace bulkhead::spec {

namespace {

template <class T>
Result<T> parse_as(std::string_view text, std::string_view name) {
    LET(const json::Tree tree, json::read(text, name));
    return read<T>(json::root(tree));
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// Semantic versioning allows leading zeros only in a build part (2.0.0, 2 and 9).
bool has_leading_zero(std::string_view word) { return word.size() > 1 && word[0] == '0' && is_digits(word); }

// A dot-separated list of identifiers, of a version's pre-release or build part.
bool is_identifiers(std::string_view text) {
    return std::ranges::all_of(split(text, '.'), [](std::string_view word) {
        const auto is_sign = [](char sign) {
            return std::isalnum(static_cast<unsigned char>(sign)) || sign == '-';
        };
        return !word.empty() && std::ranges::all_of(word, is_sign);
    });
}

bool is_version_one(std::string_view text) {
    const std::size_t plus = text.find('+');
    if (plus != text.npos && !is_identifiers(text.substr(plus + 1))) return false;
    text = text.substr(0, plus);
    const std::size_t minus = text.find('-');
    const std::string_view before = minus == text.npos ? "" : text.substr(minus + 1);
    if (minus != text.npos && !is_identifiers(before)) return false;
    const auto numbers = split(text.substr(0, minus), '.');
    return numbers.size() == 3 && numbers[0] == "1" && std::ranges::all_of(numbers, is_digits) &&
           std::ranges::none_of(numbers, has_leading_zero) &&
           std::ranges::none_of(split(before, '.'), has_leading_zero);
}

}  // namespace

Result<std::string> read_version(json::Value value) {
    LET(auto version, read<std::string>(value));
    if (is_version_one(version)) return version;
    return value.refuse("must be a version 1 of the standard, such as 1.3.0");
}

std::vector<std::string_view> hook_names() {
    std::vector<std::string_view> names;
    names.reserve(fields<Hooks>.size());
    for (const Field<Hooks>& field : fields<Hooks>) names.push_back(field.name);
    return names;
}

Result<Spec> parse(std::string_view text) { return parse_as<Spec>(text, "config.json"); }

Result<Process> parse_process(std::string_view text, std::string_view name) {
    return parse_as<Process>(text, name);
}

Result<Resources> parse_resources(std::string_view text, std::string_view name) {
    return parse_as<Resources>(text, name);
}

}  // namespace bulkhead::spec
