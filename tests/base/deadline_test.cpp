// SPDX-License-Identifier: Apache-2.0
#include "base/deadline.hpp"

#include <gtest/gtest.h>

#include "base/waiting.hpp"

namespace bulkhead {
namespace {

TEST(Deadline, HasPassedWithoutATimeAndWithNone) {
    for (const Deadline& deadline : {Deadline(), Deadline(0), Deadline(-5)}) {
        EXPECT_TRUE(deadline.passed());
        EXPECT_EQ(deadline.left_ns(), 0u);
        EXPECT_EQ(deadline.left_ms(), 0);
    }
}

TEST(Deadline, IsAheadAndComesNearer) {
    constexpr int day_ms = 86'400'000;
    const Deadline deadline(day_ms);
    const std::uint64_t before = deadline.left_ns();
    EXPECT_FALSE(deadline.passed());
    EXPECT_LE(deadline.left_ms(), day_ms);
    EXPECT_GT(deadline.left_ms(), day_ms / 2);
    sys::pause(2);
    EXPECT_LT(deadline.left_ns(), before);
}

TEST(Deadline, HasPassedOnceWhatWasLeftOfItIsOver) {
    const Deadline deadline(3);
    sys::pause(deadline.left_ms());
    EXPECT_TRUE(deadline.passed());
}

}  // namespace
}  // namespace bulkhead
