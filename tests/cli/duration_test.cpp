// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.hpp"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

constexpr std::int64_t second = 1'000'000'000;

TEST(ParseDuration, TakesWhatGoTakes) {
    struct Case {
        std::string_view text;
        std::int64_t ns;
    };
    for (const auto& [text, ns] : {
             Case{"0", 0},
             {"-0", 0},
             {"+0", 0},
             {"0s", 0},
             {"5s", 5 * second},
             {"30s", 30 * second},
             {"+5s", 5 * second},
             {"-5s", -5 * second},
             {"1478s", 1478 * second},
             {"5.0s", 5 * second},
             {"5.6s", 5'600'000'000},
             {"5.s", 5 * second},
             {".5s", second / 2},
             {"1.004s", 1'004'000'000},
             {"100ms", second / 10},
             {"13ns", 13},
             {"10us", 10'000},
             {"10\u00b5s", 10'000},
             {"10\u03bcs", 10'000},
             {"15m", 900 * second},
             {"1m30s", 90 * second},
             {"30s1m", 90 * second},
             {"1s1s", 2 * second},
             {"1h15m30.918s", 4530'918'000'000},
             {"39h9m14.425s", 140954'425'000'000},
             {"0.3333333333333333333h", 1200 * second - 1},
             {"0.100000000000000000000h", 360 * second},
             {"0.9ns", 0},
             {"9223372036854775807ns", INT64_MAX},
             {"2562047h47m16.854775807s", INT64_MAX},
             {"-9223372036854775807ns", -INT64_MAX},
         })
        EXPECT_EQ(parse_duration(text), ns) << text;
}

TEST(ParseDuration, RefusesTheRest) {
    for (const std::string_view text : {"",
                                        "5",
                                        "-",
                                        "+",
                                        "s",
                                        ".",
                                        "-.",
                                        ".s",
                                        "+.s",
                                        "1d",
                                        "5S",
                                        "5sec",
                                        " 5s",
                                        "5s ",
                                        "5 s",
                                        "1,5s",
                                        "--5s",
                                        "+-5s",
                                        "-+5s",
                                        "1m-30s",
                                        "3000000h",
                                        "9223372036854775808ns",
                                        "9223372036854775.808us",
                                        "2562047h47m16.854775808s",
                                        "18446744073709551616ns",
                                        "1e3s",
                                        "0x5s",
                                        "nan",
                                        "inf",
                                        "5s\n",
                                        "1.2.3s"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(ParseInterval, MustBeAboveZero) {
    EXPECT_EQ(parse_interval("1ns").value(), 1u);
    EXPECT_EQ(parse_interval("5s").value(), 5'000'000'000u);
    for (const std::string_view text : {"0", "0s", "-1s", "-1ns", "0.1ns"}) {
        const auto interval = parse_interval(text);
        ASSERT_FALSE(interval) << text;
        EXPECT_EQ(interval.error().kind, Kind::usage);
        EXPECT_NE(interval.error().text.find("duration interval must be greater than 0"), std::string::npos);
    }
    EXPECT_EQ(parse_interval("5").error().text,
              "--interval \"5\": must be a duration such as 5s, 1m30s or 100ms");
}

}  // namespace
}  // namespace bulkhead::cli
