// SPDX-License-Identifier: Apache-2.0
#include "base/guarded.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace bulkhead {
namespace {

TEST(Guarded, PassesResultsThrough) {
    EXPECT_EQ(guarded([]() -> Result<int> { return 7; }).value(), 7);
    EXPECT_EQ(guarded([]() -> Result<> { return fail(Kind::denied, "no"); }).error().kind, Kind::denied);
}

TEST(Guarded, MakesAnErrorOfWhateverIsThrown) {
    const auto known = guarded([]() -> Result<> { throw std::out_of_range("a\x1b\nb"); });
    EXPECT_EQ(known.error().kind, Kind::internal);
    EXPECT_EQ(known.error().text, "unexpected exception: a\\x1b\\x0ab");
    EXPECT_EQ(guarded([]() -> Result<> { throw 5; }).error().text, "unexpected exception");
}

}  // namespace
}  // namespace bulkhead
