// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace bulkhead {

namespace {

// Levenshtein's distance, with one row of the table.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string_view nearest(std::string_view given, std::span<const std::string_view> known) {
    constexpr std::size_t longest = 64;  // nobody's word is longer, and the table grows with the square
    if (given.size() > longest) return {};
    std::string_view best;
    std::size_t least = longest;
    for (const std::string_view word : known)
        if (const std::size_t changes = distance(given, word); changes < least) {
            least = changes;
            best = word;
        }
    return least * 3 <= best.size() ? best : std::string_view();
}

}  // namespace bulkhead
