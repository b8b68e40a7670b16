// SPDX-License-Identifier: Apache-2.0
// Which known word was meant by one that is not known.
#pragma once

#include <span>
#include <string_view>

namespace bulkhead {

// The word that the fewest changes of a letter (insert, remove, replace) turn into `given`; empty where even
// that one needs more than a third of its letters changed, because then it is not what was meant.
std::string_view nearest(std::string_view given, std::span<const std::string_view> known);

}  // namespace bulkhead
