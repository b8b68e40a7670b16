// SPDX-License-Identifier: Apache-2.0
#include "base/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::is_open;

static_assert(!std::is_copy_constructible_v<Fd> && !std::is_copy_assignable_v<Fd>);
static_assert(std::is_nothrow_move_constructible_v<Fd>);

int fresh() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(Fd, ClosesWhenItGoes) {
    const int number = fresh();
    { const Fd owner(number); }
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, EmptyOnesAreFalse) {
    EXPECT_FALSE(Fd());
    EXPECT_FALSE(Fd(-1));
    EXPECT_TRUE(Fd(fresh()));
    EXPECT_EQ(Fd().number(), -1);
}

TEST(Fd, MovingLeavesTheSourceEmpty) {
    Fd from(fresh());
    const int number = from.number();
    const Fd to(std::move(from));
    EXPECT_FALSE(from);  // NOLINT: the point of the test
    EXPECT_EQ(to.number(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(Fd, MovingOverOneClosesIt) {
    Fd to(fresh());
    const int old = to.number();
    Fd from(fresh());
    const int number = from.number();
    to = std::move(from);
    EXPECT_FALSE(is_open(old));
    EXPECT_EQ(to.number(), number);
}

TEST(Fd, MovingToItselfChangesNothing) {
    Fd owner(fresh());
    Fd& same = owner;
    owner = std::move(same);
    EXPECT_TRUE(is_open(owner.number()));
}

TEST(Fd, ReleaseGivesTheNumberAway) {
    Fd owner(fresh());
    const Fd other(owner.release());
    EXPECT_FALSE(owner);
    EXPECT_TRUE(is_open(other.number()));
}

TEST(Fd, ResetClosesTheOldAndTakesTheNew) {
    Fd owner(fresh());
    const int old = owner.number();
    const int next = fresh();
    owner.reset(next);
    EXPECT_FALSE(is_open(old));
    EXPECT_EQ(owner.number(), next);
    owner.reset();
    EXPECT_FALSE(is_open(next));
}

}  // namespace
}  // namespace bulkhead
