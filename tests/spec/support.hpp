// SPDX-License-Identifier: Apache-2.0
// Documents to test with: the default one with a value put in somewhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "spec/defaults.hpp"
#include "spec/parse.hpp"
#include "spec/validate.hpp"
#include "spec/words.hpp"

namespace bulkhead::spec::test {

// Puts `value` (JSON, right or wrong) at a pointer of the document, making what is missing on the way.
inline std::string put(const std::string& document, const std::string& pointer, std::string_view value) {
    constexpr std::string_view mark = "\"here it goes\"";
    auto tree = nlohmann::json::parse(document);
    tree[nlohmann::json::json_pointer(pointer)] = "here it goes";
    std::string text = tree.dump();
    return text.replace(text.find(mark), mark.size(), value);
}

// The default document with one value changed.
inline std::string with(const std::string& pointer, std::string_view value) {
    return put(default_document(), pointer, value);
}

// The default document without one property.
inline std::string without(const std::string& pointer) {
    auto tree = nlohmann::json::parse(default_document());
    const nlohmann::json::json_pointer place(pointer);
    tree[place.parent_pointer()].erase(place.back());
    return tree.dump();
}

inline std::string times(std::size_t count, std::string_view text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all.append(text);
    return all;
}

// The sentence of the error, or "fine".
inline std::string verdict(std::string_view document) {
    const auto spec = parse(document);
    if (!spec) return spec.error().text;
    const auto valid = validate(*spec);
    return valid ? "fine" : valid.error().text;
}

}  // namespace bulkhead::spec::test
