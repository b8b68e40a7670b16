// SPDX-License-Identifier: Apache-2.0
#include "seccomp/unknown_calls.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "interpreter.hpp"

#if defined(__x86_64__)  // the numbers are x86-64's

namespace bulkhead::seccomp::test {
namespace {

// getpid: 39, i386 20, x32 39; memfd_create: 319, i386 356, x32 319; statx: 332, i386 383, x32 332
constexpr const char* known = R"("syscalls":[{"names":["getpid"],"action":"SCMP_ACT_ALLOW"},
    {"names":["memfd_create","no_such_call"],"action":"SCMP_ACT_LOG"}])";

std::string by_default(const std::string& action, const std::string& archs = "") {
    return cat(R"({"defaultAction":"SCMP_ACT_)", action, R"(","architectures":[)", archs, "],", known, '}');
}

Entry i386(std::uint32_t number) { return {number, {}, AUDIT_ARCH_I386}; }
Entry x32(std::uint32_t number) { return {number | x32_bit}; }

TEST(UnknownCalls, AboveTheHighestKnownOneAreUnknown) {
    const Program program = compiled(by_default("ERRNO"));
    EXPECT_EQ(answer(program, {39}), allowed);
    EXPECT_EQ(answer(program, {318}), refused(EPERM));
    EXPECT_EQ(answer(program, {319}), SECCOMP_RET_LOG);
    EXPECT_EQ(answer(program, {320}), refused(ENOSYS));
    EXPECT_EQ(answer(program, {x32_bit - 1}), refused(ENOSYS));
}

TEST(UnknownCalls, HaveALimitInEachArchitecture) {
    const Program program = compiled(by_default("ERRNO", R"("SCMP_ARCH_X86","SCMP_ARCH_AARCH64")"));
    EXPECT_EQ(answer(program, {320}), refused(ENOSYS));
    EXPECT_EQ(answer(program, i386(320)), refused(EPERM));
    EXPECT_EQ(answer(program, i386(356)), SECCOMP_RET_LOG);
    EXPECT_EQ(answer(program, i386(357)), refused(ENOSYS));
    EXPECT_EQ(answer(program, i386(x32_bit | 1)), refused(ENOSYS)) << "bit 30 means nothing there";
    EXPECT_EQ(answer(program, {280, {}, AUDIT_ARCH_AARCH64}), refused(ENOSYS));
    EXPECT_EQ(answer(program, {278, {}, AUDIT_ARCH_AARCH64}), refused(EPERM));
}

TEST(UnknownCalls, OfAnArchitectureThatIsNotListedAreNotAnswered) {
    const Program program = compiled(by_default("ERRNO"));
    EXPECT_EQ(answer(program, i386(9999)), killed);
    EXPECT_EQ(answer(program, x32(9999)), killed);
    EXPECT_EQ(answer(program, x32(39)), killed);
}

TEST(UnknownCalls, OfX32HaveItsOwnRangeBetweenThem) {
    const Program program = compiled(by_default("ERRNO", R"("SCMP_ARCH_X32")"));
    EXPECT_EQ(answer(program, {39}), allowed);
    EXPECT_EQ(answer(program, {320}), refused(ENOSYS));
    EXPECT_EQ(answer(program, x32(39)), allowed);
    EXPECT_EQ(answer(program, x32(319)), SECCOMP_RET_LOG);
    EXPECT_EQ(answer(program, x32(318)), refused(EPERM));
    EXPECT_EQ(answer(program, x32(320)), refused(ENOSYS));
    EXPECT_EQ(answer(program, x32(511)), refused(ENOSYS));
    for (const std::uint32_t own : {512u, 520u, 547u}) EXPECT_EQ(answer(program, x32(own)), refused(EPERM));
    EXPECT_EQ(answer(program, x32(548)), refused(ENOSYS));
    EXPECT_EQ(answer(program, {512}), refused(ENOSYS)) << "without the bit it is a call nobody has";
}

TEST(UnknownCalls, OfX32CanBeNamed) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X32"],
        "syscalls":[{"names":["rt_sigaction"],"action":"SCMP_ACT_ALLOW"}]})");
    EXPECT_EQ(answer(program, x32(512)), allowed);
    EXPECT_EQ(answer(program, x32(513)), refused(EPERM));
    EXPECT_EQ(answer(program, {13}), allowed);
    EXPECT_EQ(answer(program, {14}), refused(ENOSYS));
}

class Answered : public testing::TestWithParam<const char*> {};
TEST_P(Answered, WhereTheDefaultRefuses) {
    EXPECT_EQ(answer(compiled(by_default(GetParam())), {400}), refused(ENOSYS));
}
INSTANTIATE_TEST_SUITE_P(all, Answered,
                         testing::Values("ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP"));

struct Passing {
    const char* action;
    std::uint32_t answer;
};
class NotAnswered : public testing::TestWithParam<Passing> {};
TEST_P(NotAnswered, WhereTheDefaultLetsThemThrough) {
    EXPECT_EQ(answer(compiled(by_default(GetParam().action)), {400}), GetParam().answer);
    EXPECT_TRUE(answer_unknown_calls(profile(by_default(GetParam().action))).empty());
}
INSTANTIATE_TEST_SUITE_P(all, NotAnswered,
                         testing::Values(Passing{"ALLOW", SECCOMP_RET_ALLOW}, Passing{"LOG", SECCOMP_RET_LOG},
                                         Passing{"TRACE", SECCOMP_RET_TRACE | EPERM}));

TEST(UnknownCalls, NeedNoAnswerWhereTheDefaultIsTheSame) {
    EXPECT_TRUE(answer_unknown_calls(profile(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,
        "syscalls":[{"names":["getpid"],"action":"SCMP_ACT_ALLOW"}]})"))
                    .empty());
}

TEST(UnknownCalls, CountRulesThatSayWhatTheDefaultSays) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ERRNO",
        "syscalls":[{"names":["getpid"],"action":"SCMP_ACT_ERRNO"}]})");
    EXPECT_EQ(answer(program, {39}), refused(EPERM));
    EXPECT_EQ(answer(program, {40}), refused(ENOSYS));
}

TEST(UnknownCalls, OfAProfileThatNamesNoneAreRefusedLikeTheRest) {
    EXPECT_EQ(answer(compiled(R"({"defaultAction":"SCMP_ACT_ERRNO"})"), {9999}), refused(EPERM));
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86"],
        "syscalls":[{"names":["waitpid"],"action":"SCMP_ACT_ALLOW"}]})");
    EXPECT_EQ(answer(program, {9999}), refused(EPERM)) << "waitpid is i386's alone";
    EXPECT_EQ(answer(program, i386(7)), allowed);
    EXPECT_EQ(answer(program, i386(8)), refused(ENOSYS));
}

TEST(UnknownCalls, ReachOverAnySize) {
    const Program program = compiled(by_default(
        "ERRNO", R"("SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_ARM","SCMP_ARCH_AARCH64","SCMP_ARCH_MIPSEL",
                    "SCMP_ARCH_MIPSEL64","SCMP_ARCH_MIPSEL64N32","SCMP_ARCH_PPC64LE","SCMP_ARCH_RISCV64")"));
    EXPECT_TRUE(is_sound(program.instructions));
    const std::vector<std::uint32_t> archs{AUDIT_ARCH_I386,   AUDIT_ARCH_ARM,      AUDIT_ARCH_AARCH64,
                                           AUDIT_ARCH_MIPSEL, AUDIT_ARCH_MIPSEL64, AUDIT_ARCH_PPC64LE,
                                           AUDIT_ARCH_RISCV64};
    for (const std::uint32_t arch : archs) {
        EXPECT_EQ(answer(program, {99999, {}, arch}), refused(ENOSYS)) << arch;
        EXPECT_EQ(answer(program, {0, {}, arch}), refused(EPERM)) << arch;
    }
}

}  // namespace
}  // namespace bulkhead::seccomp::test

#endif
