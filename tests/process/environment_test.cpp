// SPDX-License-Identifier: Apache-2.0
#include "process/environment.hpp"

#include <gtest/gtest.h>

namespace bulkhead::process {
namespace {

using Words = std::vector<std::string>;

TEST(Environment, OfANameGivenTwiceTheLastStays) {
    EXPECT_EQ(unique_environment({"A=1", "B=2", "A=3"}), (Words{"B=2", "A=3"}));
    EXPECT_EQ(unique_environment({"A=1", "AB=2", "A=1"}), (Words{"AB=2", "A=1"}));
    EXPECT_EQ(unique_environment({"A=x=1", "A=x=2"}), Words{"A=x=2"});
    EXPECT_EQ(unique_environment({}), Words{});
}

TEST(Environment, AnEmptyHomeCountsAsNotGiven) {
    EXPECT_EQ(unique_environment({"HOME=/root", "HOME="}), Words{});
    EXPECT_EQ(unique_environment({"HOME=", "HOME=/root"}), Words{"HOME=/root"});
    EXPECT_EQ(unique_environment({"HOMES=", "A="}), (Words{"HOMES=", "A="}));
}

TEST(Environment, ValuesByName) {
    const Words environment{"PATHS=no", "PATH=/bin:/x", "EMPTY=", "LIST=a=b"};
    EXPECT_EQ(value_of(environment, "PATH"), "/bin:/x");
    EXPECT_EQ(value_of(environment, "EMPTY"), "");
    EXPECT_EQ(value_of(environment, "LIST"), "a=b");
    EXPECT_EQ(value_of(environment, "NONE"), "");
}

TEST(Candidates, AreThoseOfExecvp) {
    struct Row {
        std::string_view name, path;
        Words places;
    };
    const Row table[] = {
        {"sh", "/bin:/usr/bin", {"/bin/sh", "/usr/bin/sh"}},
        {"sh", ":/bin::rel:", {"./sh", "/bin/sh", "./sh", "rel/sh", "./sh"}},
        {"/bin/sh", "/usr/bin", {"/bin/sh"}},
        {"./sh", "/usr/bin", {"./sh"}},
        {"a/b", "/usr/bin", {"a/b"}},
        {"sh", "", {}},
        {"", "/bin", {}},
    };
    for (const Row& row : table)
        EXPECT_EQ(candidates(row.name, row.path), row.places) << row.name << ' ' << row.path;
}

}  // namespace
}  // namespace bulkhead::process
