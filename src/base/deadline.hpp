// SPDX-License-Identifier: Apache-2.0
// The end of a wait. To start again, assign a new one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/sys.hpp"

namespace bulkhead {

class Deadline {
  public:
    Deadline() = default;  // has passed
    // So many milliseconds from now, on CLOCK_MONOTONIC; now if that is negative.
    explicit Deadline(int patience_ms)
        : end_(sys::monotonic_ns() + static_cast<std::uint64_t>(std::max(patience_ms, 0)) * ns_per_ms) {}

    std::uint64_t left_ns() const {
        const std::uint64_t now = sys::monotonic_ns();
        return now < end_ ? end_ - now : 0;
    }
    // For poll(2): rounded up, so that it has passed when that returns.
    int left_ms() const { return static_cast<int>((left_ns() + ns_per_ms - 1) / ns_per_ms); }
    bool passed() const { return left_ns() == 0; }

  private:
    static constexpr std::uint64_t ns_per_ms = 1'000'000;

    std::uint64_t end_ = 0;
};

}  // namespace bulkhead
