// SPDX-License-Identifier: Apache-2.0
// Finds the known word that an unknown one was meant to be.
#pragma once

#include <span>
#include <string_view>

namespace bulkhead {

// The word that the fewest changes of a letter (insert, remove, replace) turn into `given`; empty if even
// that one needs more than a third of its letters changed, because then nobody meant it.
std::string_view nearest(std::string_view given, std::span<const std::string_view> known);

}  // namespace bulkhead
