// SPDX-License-Identifier: Apache-2.0
#include "seccomp/program.hpp"

#include <gtest/gtest.h>

namespace bulkhead::seccomp {
namespace {

using Code = std::vector<sock_filter>;
constexpr sock_filter end{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
constexpr sock_filter load{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4};

constexpr sock_filter jump(int test, std::uint8_t yes, std::uint8_t no, std::uint32_t number = 0) {
    return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), yes, no, number};
}

TEST(Sound, IsWhatEndsWhereverItJumps) {
    EXPECT_TRUE(is_sound(Code{end}));
    EXPECT_TRUE(is_sound(Code{load, jump(BPF_JEQ, 0, 1), end, end}));
    EXPECT_TRUE(is_sound(Code{jump(BPF_JA, 0, 0, 1), end, end}));
    EXPECT_TRUE(is_sound(Code{load, {BPF_ALU | BPF_AND | BPF_K, 0, 0, 1}, jump(BPF_JSET, 0, 0), end}));
    EXPECT_TRUE(is_sound(Code(BPF_MAXINSNS, end)));
}

TEST(Sound, IsNotWhatLeavesTheProgramOrTheData) {
    EXPECT_FALSE(is_sound({}));
    EXPECT_FALSE(is_sound(Code(BPF_MAXINSNS + 1, end)));
    EXPECT_FALSE(is_sound(Code{load})) << "no return";
    EXPECT_FALSE(is_sound(Code{end, load}));
    for (const int test : {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET}) {
        EXPECT_FALSE(is_sound(Code{jump(test, 1, 0), end})) << test;
        EXPECT_FALSE(is_sound(Code{jump(test, 0, 1), end})) << test;
    }
    EXPECT_FALSE(is_sound(Code{jump(BPF_JA, 0, 0, 1), end}));
    EXPECT_FALSE(is_sound(Code{jump(BPF_JA, 0, 0, 0xffffffff), end}));
    EXPECT_FALSE(is_sound(Code{{BPF_LD | BPF_W | BPF_ABS, 0, 0, sizeof(seccomp_data)}, end}));
    EXPECT_FALSE(is_sound(Code{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, end}));
}

TEST(Sound, IsNotWhatHasForeignInstructions) {
    for (const int code : {BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_B | BPF_ABS, BPF_ST, BPF_RET | BPF_A,
                           BPF_ALU | BPF_DIV | BPF_K, BPF_MISC | BPF_TAX, 0xffff})
        EXPECT_FALSE(is_sound(Code{{static_cast<std::uint16_t>(code), 0, 0, 0}, end})) << code;
}

}  // namespace
}  // namespace bulkhead::seccomp
