// SPDX-License-Identifier: Apache-2.0
// Values as engines write them into annotations: the part of GVariant's text format that properties of units
// need. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// A D-Bus value, flat: an array is the number of its elements and then the elements, a structure its members.
struct BusValue {
    std::string signature;            // "as"
    std::vector<std::string> values;  // "2", "a.service", "b.service"
    bool operator==(const BusValue&) const = default;
};

// Parses numbers ("5" is an int32; "uint64 5", "0x1f", "2.5"), true and false, 'strings' and "strings" with
// backslashes, objectpath and signature in front of a string, ['arrays'] and (structures,). "@as []" gives
// the type of an empty array. No property has a variant, dictionary, bytestring or maybe. The error names the
// reason, not the place in the text.
Result<BusValue> parse_gvariant(std::string_view text);

}  // namespace bulkhead::cgroups
