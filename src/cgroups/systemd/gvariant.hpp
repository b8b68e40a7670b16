// SPDX-License-Identifier: Apache-2.0
// Values as engines write them into annotations: GVariant's text format, as far as properties of units go.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// A D-Bus value, flat: the elements of an array after their number, those of a structure one after the
// other.
struct BusValue {
    std::string signature;            // "as"
    std::vector<std::string> values;  // "2", "a.service", "b.service"
    bool operator==(const BusValue&) const = default;
};

// Numbers ("5" is an int32; "uint64 5", "0x1f", "2.5"), true and false, 'strings' and "strings" with
// backslashes, objectpath and signature in front of one, ['arrays'] and (structures,); "@as []" says what an
// array without elements is of. Variants, dictionaries, bytestrings and maybes are no property's. The error
// says what is wrong, not where it was found.
Result<BusValue> parse_gvariant(std::string_view text);

}  // namespace bulkhead::cgroups
