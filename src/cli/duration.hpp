// SPDX-License-Identifier: Apache-2.0
// Durations as Go writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cli {

// "5s", "1h30m", "1.5s", "100ms": numbers with ns, us, ms, s, m or h after each, in any order, and a sign
// before all; or "0". In nanoseconds, rounded down, at most 2^63 - 1. nullopt if it is no duration.
std::optional<std::int64_t> parse_duration(std::string_view text);

// The same for --interval: Kind::usage if it is none, or not above 0.
Result<std::uint64_t> parse_interval(std::string_view text);

}  // namespace bulkhead::cli
