// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/endurance.hpp"

#include <gtest/gtest.h>

namespace bulkhead::runtime {
namespace {

constexpr int long_ms = 600'000;

ProcessStatus seen(char state, std::uint64_t busy_ms = 0) { return {.state = state, .busy_ms = busy_ms}; }

TEST(Endurance, HasPatienceWithWhoSleepsOrRuns) {
    Endurance endurance(long_ms);
    for (const char state : {'R', 'S', 'D', 'Z'}) EXPECT_FALSE(endurance.exhausted(seen(state), 10'000));
    EXPECT_FALSE(endurance.exhausted(std::nullopt, 10'000))
        << "it is not there any more: the report socket says so";
}

TEST(Endurance, CountsTheTimeThatItIsStoppedFor) {
    Endurance endurance(long_ms);
    EXPECT_FALSE(endurance.exhausted(seen('T'), 1'000));
    EXPECT_FALSE(endurance.exhausted(seen('R'), 5'000));
    EXPECT_EQ(endurance.exhausted(seen('t'), 1'000),
              "was stopped from inside the container for 2000 ms before it could execute the program");
}

TEST(Endurance, CountsTheProcessorTimeOfWhoIsExposed) {
    Endurance endurance(long_ms);
    EXPECT_FALSE(endurance.exhausted(seen('R', 60'000), 50)) << "it may copy a lot";
    endurance.expose();
    EXPECT_FALSE(endurance.exhausted(seen('R', 2'990), 50));
    EXPECT_EQ(
        endurance.exhausted(seen('R', 3'000), 50),
        "has used 3000 ms of the processor without executing the program, as if it were kept in a loop from "
        "inside the container");
}

TEST(Endurance, HasATotalThatCanBeginAnew) {
    Endurance endurance(0);
    EXPECT_EQ(endurance.exhausted(seen('S'), 50), "has not executed the program within 0 ms (state S)");
    EXPECT_EQ(endurance.exhausted(std::nullopt, 50), "has not executed the program within 0 ms");
    Endurance longer(long_ms);
    longer.renew();
    EXPECT_FALSE(longer.exhausted(seen('S'), 50));
}

}  // namespace
}  // namespace bulkhead::runtime
