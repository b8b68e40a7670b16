// SPDX-License-Identifier: Apache-2.0
// Values as engines write them into annotations: the part of GVariant's text format that properties of units
// need. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// A D-Bus value, flat: an array is the number of its elements and then the elements.
struct BusValue {
    std::string signature;            // "as"
    std::vector<std::string> values;  // "2", "a.service", "b.service"
    bool operator==(const BusValue&) const = default;
};

// Parses what podman and CRI-O write and what a unit's properties of the same kinds need: numbers ("5" is an
// int32; "uint64 5", "0x1f", "2.5"), true and false, 'strings' and "strings" with backslashes, and ['arrays']
// of one of them. "@as []" gives the type of an empty array. A keyword (boolean, double, int32, int64,
// string, uint32, uint64) may stand in front of a value. The error names the reason, not the place in the
// text.
Result<BusValue> parse_gvariant(std::string_view text);

}  // namespace bulkhead::cgroups
