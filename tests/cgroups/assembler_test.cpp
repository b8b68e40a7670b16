// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/assembler.hpp"

#include <gtest/gtest.h>

namespace bulkhead::cgroups {
namespace {

TEST(Assembler, FillsInTheOffsetsOfForwardJumps) {
    Assembler code;
    const auto target = code.label();
    code.if_equal(2, 7, target);
    code.end(0);
    code.place(target);
    code.end(1);
    const auto program = code.finish().value();
    ASSERT_EQ(program.size(), 5u);
    EXPECT_EQ(program[0].off, 2);
    EXPECT_EQ(program[0].imm, 7);
    EXPECT_EQ(program[3].imm, 1);
}

TEST(Assembler, LeavesOutAJumpToTheNextInstruction) {
    Assembler code;
    const auto target = code.label();
    code.if_equal(2, 7, target);
    code.go(target);
    code.place(target);
    code.end(1);
    EXPECT_EQ(code.finish().value().size(), 3u);
}

TEST(Assembler, KeepsThatJumpWhereAnotherLabelIsBehindIt) {
    Assembler code;
    const auto first = code.label();
    const auto second = code.label();
    code.if_equal(2, 7, second);
    code.go(first);
    code.place(second);
    code.place(first);
    code.end(1);
    const auto program = code.finish().value();
    ASSERT_EQ(program.size(), 4u);
    EXPECT_EQ(program[0].off, 1);
    EXPECT_EQ(program[1].off, 0);
}

TEST(Assembler, SaysWhereAJumpIsTooFar) {
    Assembler code;
    const auto target = code.label();
    code.go(target);
    for (int i = 0; i < 32767; ++i) code.copy(2, 2);
    code.place(target);
    EXPECT_TRUE(code.finish());
    Assembler longer;
    const auto far = longer.label();
    longer.go(far);
    for (int i = 0; i < 32768; ++i) longer.copy(2, 2);
    longer.place(far);
    EXPECT_FALSE(longer.finish());
}

}  // namespace
}  // namespace bulkhead::cgroups
