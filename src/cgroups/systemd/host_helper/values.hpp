// SPDX-License-Identifier: Apache-2.0
// Properties of a unit, as the words of a request, into a message of D-Bus.
#pragma once

#include <span>
#include <string>

#include "cgroups/systemd/host_helper/connection.hpp"

namespace bulkhead::host_helper {

// Appends "a(sv)" from words: for each property its name, its signature, how many words its value has, and
// those: flat, an array's elements after their number. What does not fit together is an error.
Answer<> append_properties(sd_bus_message* message, std::span<const std::string> words);

}  // namespace bulkhead::host_helper
