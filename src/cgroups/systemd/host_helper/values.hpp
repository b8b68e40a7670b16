// SPDX-License-Identifier: Apache-2.0
// Appends properties of a unit, in the words of a request, to a message of D-Bus.
#pragma once

#include <span>
#include <string>

#include "cgroups/systemd/host_helper/connection.hpp"

namespace bulkhead::host_helper {

// Appends "a(sv)". Each property is its name, its signature, the number of words in its value, and these:
// flat, an array's elements after their number. Words that do not fit the signature are an error.
Answer<> append_properties(sd_bus_message* message, std::span<const std::string> words);

}  // namespace bulkhead::host_helper
