// SPDX-License-Identifier: Apache-2.0
#include "cgroups/statistics/keyed.hpp"

#include <gtest/gtest.h>

namespace bulkhead::cgroups {
namespace {

using Flat = std::map<std::string, std::uint64_t>;

TEST(SingleValue, IsANumberOrMax) {
    EXPECT_EQ(single_value("0\n"), 0u);
    EXPECT_EQ(single_value("4096"), 4096u);
    EXPECT_EQ(single_value("18446744073709551615\n"), unlimited);
    EXPECT_EQ(single_value("max\n"), unlimited);
    for (const std::string_view text :
         {"", "\n", "-1\n", "1 2\n", "1\n\n", "Max", "18446744073709551616", "1.5"})
        EXPECT_EQ(single_value(text), std::nullopt) << text;
}

TEST(FlatKeyed, TakesEveryRow) {
    EXPECT_EQ(flat_keyed("low 0\nhigh 17\nmax 18446744073709551615\n"),
              (Flat{{"low", 0}, {"high", 17}, {"max", 18446744073709551615u}}));
    EXPECT_EQ(flat_keyed("a 1"), (Flat{{"a", 1}}));
    EXPECT_EQ(flat_keyed(""), Flat{});
}

TEST(FlatKeyed, LeavesOutWhatIsNoNumber) {
    EXPECT_EQ(flat_keyed("a 1\nb max\nc\nd 1 2\n 3\ne -1\nf 1.5\n\ng 2\n"), (Flat{{"a", 1}, {"g", 2}}));
}

TEST(NestedKeyed, TakesNamesAndPairs) {
    const auto rows = nested_keyed("8:0 rbytes=1 wbytes=2\n254:16 \nsome avg10=0.00 empty= odd\n");
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0].name, "8:0");
    ASSERT_EQ(rows[0].pairs.size(), 2u);
    EXPECT_EQ(rows[0].pairs[0], (std::pair<std::string_view, std::string_view>("rbytes", "1")));
    EXPECT_EQ(rows[0].pairs[1], (std::pair<std::string_view, std::string_view>("wbytes", "2")));
    EXPECT_EQ(rows[1].name, "254:16");
    EXPECT_TRUE(rows[1].pairs.empty());
    ASSERT_EQ(rows[2].pairs.size(), 2u);
    EXPECT_EQ(rows[2].pairs[1], (std::pair<std::string_view, std::string_view>("empty", "")));
    EXPECT_TRUE(nested_keyed("").empty());
    EXPECT_TRUE(nested_keyed("\n \n").empty());
}

}  // namespace
}  // namespace bulkhead::cgroups
