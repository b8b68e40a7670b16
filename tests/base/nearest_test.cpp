// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace bulkhead {
namespace {

constexpr std::array<std::string_view, 4> known{"hostname", "log", "log-format", "log-level"};

TEST(Nearest, IsTheWordWithTheFewestChanges) {
    EXPECT_EQ(nearest("hostnam", known), "hostname");
    EXPECT_EQ(nearest("host-name", known), "hostname");
    EXPECT_EQ(nearest("log-levle", known), "log-level");
    EXPECT_EQ(nearest("log_format", known), "log-format");
    EXPECT_EQ(nearest("logs", known), "log");
}

TEST(Nearest, IsNoneWhereNothingIsNear) {
    EXPECT_EQ(nearest("memory", known), "");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest(std::string(10'000, 'l'), known), "");
    EXPECT_EQ(nearest("log", {}), "");
}

}  // namespace
}  // namespace bulkhead
