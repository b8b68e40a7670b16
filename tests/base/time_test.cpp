// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string_view>
#include <utility>

namespace bulkhead {
namespace {

TEST(Rfc3339, OfDaysThatAreEasilyWrong) {
    const std::pair<timespec, std::string_view> table[] = {
        {{0, 0}, "1970-01-01T00:00:00.000000000Z"},
        {{951'782'400, 1}, "2000-02-29T00:00:00.000000001Z"},
        {{951'868'799, 999'999'999}, "2000-02-29T23:59:59.999999999Z"},
        {{1'795'255'200, 123'456'789}, "2026-11-21T10:00:00.123456789Z"},
        {{4'107'542'400, 0}, "2100-03-01T00:00:00.000000000Z"},  // 2100 is no leap year
        {{-1, 5}, "1969-12-31T23:59:59.000000005Z"},
    };
    for (const auto& [moment, text] : table) EXPECT_EQ(rfc3339(moment), text);
}

TEST(Rfc3339, NowGoesForwardWhateverTheTimeZone) {
    ::setenv("TZ", "America/New_York", 1);
    const std::string before = rfc3339_now();
    EXPECT_LE(before, rfc3339_now());
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    EXPECT_EQ(before.substr(0, 13), rfc3339({now.tv_sec, 0}).substr(0, 13));
    ::unsetenv("TZ");
}

}  // namespace
}  // namespace bulkhead
