// SPDX-License-Identifier: Apache-2.0
// Reading single values of the short form, with errors that name their place.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"

namespace bulkhead::spec::short_form {

// A node, its document, and its pointer: "/limits/memory".
struct Value {
    const yaml::Node* node;
    std::string_view name;
    std::string path;

    bool is(yaml::Node::Kind kind) const { return node->is(kind); }
    Value member(const yaml::Entry& entry) const;
    Value item(std::size_t index) const;
    std::string shown() const;
    std::unexpected<Error> refuse(std::string_view reason) const;
};

Result<bool> truth(const Value& value);
// The text as it is written, even if it looks like a number: a host may be called 7.
Result<std::string> text(const Value& value);
Result<std::int64_t> whole(const Value& value, std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                           std::int64_t high = std::numeric_limits<std::int64_t>::max());
// Bytes: a whole number with one of B, Ki, Mi, Gi, Ti, K, M, G, or none of them.
Result<std::int64_t> size(const Value& value);
// The same, or -1 for "unlimited".
Result<std::int64_t> size_or_unlimited(const Value& value);
// A number of processors, such as 0.5, in millionths.
Result<std::int64_t> processors(const Value& value);
// A mode: octal digits, in quotes or not.
Result<std::int64_t> mode(const Value& value);
Result<std::vector<std::string>> texts(const Value& value);
// A list of words, or a string that is split at blanks. Quotes and backslashes group as in a shell; nothing
// is expanded.
Result<std::vector<std::string>> words(const Value& value);

// The error of a key that `known` does not have, with the nearest one that it has.
std::unexpected<Error> unknown_key(const Value& map, const yaml::Entry& entry,
                                   std::span<const std::string_view> known);

Result<> require_map(const Value& value);
Result<> require_list(const Value& value);
// Every key of the map is one of these.
Result<> require_keys(const Value& map, std::span<const std::string_view> known);

}  // namespace bulkhead::spec::short_form
