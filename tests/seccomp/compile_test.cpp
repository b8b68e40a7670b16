// SPDX-License-Identifier: Apache-2.0
#include "seccomp/compile.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "base/text.hpp"
#include "interpreter.hpp"
#include "seccomp/library.hpp"

#if defined(__x86_64__)  // the numbers are x86-64's

namespace bulkhead::seccomp::test {
namespace {

std::string rules(const std::string& list, const std::string& more = "") {
    return cat(R"({"defaultAction":"SCMP_ACT_ALLOW",)", more, R"("syscalls":[)", list, "]}");
}
std::string rule(const std::string& name, const std::string& rest) {
    return cat(R"({"names":[")", name, R"("],)", rest, '}');
}

struct ActionCase {
    const char* text;
    std::uint32_t answer;
};
class Action : public testing::TestWithParam<ActionCase> {};

TEST_P(Action, IsWhatTheFilterAnswers) {
    const Program program = compiled(rules(rule("getpid", GetParam().text)));
    EXPECT_EQ(answer(program, {SYS_getpid}), GetParam().answer);
    EXPECT_EQ(answer(program, {SYS_getppid}), allowed);
}

TEST_P(Action, CanBeTheDefault) {
    if (std::string(GetParam().text).contains("NOTIFY")) GTEST_SKIP() << "validate refuses it as the default";
    std::string text = GetParam().text;
    text.replace(text.find("action"), 6, "defaultAction");
    if (const auto at = text.find("errnoRet"); at != text.npos) text.replace(at, 8, "defaultErrnoRet");
    const Program program = compiled(cat('{', text, '}'));
    EXPECT_EQ(answer(program, {SYS_getpid}), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    all, Action,
    testing::Values(ActionCase{R"("action":"SCMP_ACT_KILL")", SECCOMP_RET_KILL_THREAD},
                    ActionCase{R"("action":"SCMP_ACT_KILL_THREAD")", SECCOMP_RET_KILL_THREAD},
                    ActionCase{R"("action":"SCMP_ACT_KILL_PROCESS")", SECCOMP_RET_KILL_PROCESS},
                    ActionCase{R"("action":"SCMP_ACT_TRAP")", SECCOMP_RET_TRAP},
                    ActionCase{R"("action":"SCMP_ACT_ERRNO")", SECCOMP_RET_ERRNO | EPERM},
                    ActionCase{R"("action":"SCMP_ACT_ERRNO","errnoRet":38)", SECCOMP_RET_ERRNO | ENOSYS},
                    ActionCase{R"("action":"SCMP_ACT_ERRNO","errnoRet":0)", SECCOMP_RET_ERRNO},
                    ActionCase{R"("action":"SCMP_ACT_ERRNO","errnoRet":4094)", SECCOMP_RET_ERRNO | 4094},
                    ActionCase{R"("action":"SCMP_ACT_TRACE")", SECCOMP_RET_TRACE | EPERM},
                    ActionCase{R"("action":"SCMP_ACT_TRACE","errnoRet":65535)", SECCOMP_RET_TRACE | 65535},
                    ActionCase{R"("action":"SCMP_ACT_LOG")", SECCOMP_RET_LOG},
                    ActionCase{R"("action":"SCMP_ACT_NOTIFY")", SECCOMP_RET_USER_NOTIF}));

TEST(Compile, DropsRulesThatSayWhatTheDefaultSays) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":13,"syscalls":[
        {"names":["getpid"],"action":"SCMP_ACT_ERRNO","errnoRet":13},
        {"names":["getppid"],"action":"SCMP_ACT_ERRNO"}]})");
    EXPECT_EQ(answer(program, {SYS_getpid}), refused(EACCES));
    EXPECT_EQ(answer(program, {SYS_getppid}), refused(EPERM)) << "another errno is another action";
}

struct Comparison {
    const char* op;
    std::uint64_t value, value_two;
    std::vector<std::uint64_t> hit, missed;
};
class Operator : public testing::TestWithParam<Comparison> {};

TEST_P(Operator, ComparesAllSixtyFourBits) {
    const Comparison& one = GetParam();
    const std::string text = cat(R"("action":"SCMP_ACT_ERRNO","args":[{"index":5,"value":)", one.value,
                                 R"(,"valueTwo":)", one.value_two, R"(,"op":"SCMP_CMP_)", one.op, R"("}])");
    const Program program = compiled(rules(rule("getpid", text)));
    for (const std::uint64_t value : one.hit)
        EXPECT_EQ(answer(program, {SYS_getpid, {0, 0, 0, 0, 0, value}}), refused(EPERM)) << value;
    for (const std::uint64_t value : one.missed)
        EXPECT_EQ(answer(program, {SYS_getpid, {1, 2, 3, 4, 6, value}}), allowed) << value;
}

constexpr std::uint64_t big = 0x100000005;
INSTANTIATE_TEST_SUITE_P(all, Operator,
                         testing::Values(Comparison{"NE", 5, 0, {4, 6, big}, {5}},
                                         Comparison{"LT", 5, 0, {0, 4}, {5, 6, big, ~0ull}},
                                         Comparison{"LE", 5, 0, {0, 5}, {6, big}},
                                         Comparison{"EQ", big, 0, {big}, {5, big + 1, ~0ull}},
                                         Comparison{"GE", big, 0, {big, ~0ull}, {5, big - 1}},
                                         Comparison{"GT", big, 0, {big + 1, ~0ull}, {5, big}},
                                         Comparison{"MASKED_EQ", 0xf0, 0x50, {0x50, 0x15f}, {0x60, 0x150f}}));

constexpr const char* two_arguments =
    R"("action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
       {"index":1,"value":2,"op":"SCMP_CMP_EQ"}])";
constexpr const char* one_argument_twice =
    R"("action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
       {"index":0,"value":2,"op":"SCMP_CMP_EQ"},{"index":1,"value":9,"op":"SCMP_CMP_EQ"}])";

TEST(Compile, ConditionsOnSeveralArgumentsMustAllHold) {
    const Program program = compiled(rules(rule("getpid", two_arguments)));
    EXPECT_EQ(answer(program, {SYS_getpid, {1, 2}}), refused(EPERM));
    EXPECT_EQ(answer(program, {SYS_getpid, {1, 3}}), allowed);
    EXPECT_EQ(answer(program, {SYS_getpid, {0, 2}}), allowed);
}

TEST(Compile, ConditionsOnTheSameArgumentAreAlternatives) {
    const Program program = compiled(rules(rule("getpid", one_argument_twice)));
    EXPECT_EQ(answer(program, {SYS_getpid, {1, 0}}), refused(EPERM));
    EXPECT_EQ(answer(program, {SYS_getpid, {2, 0}}), refused(EPERM));
    EXPECT_EQ(answer(program, {SYS_getpid, {3, 9}}), refused(EPERM)) << "and so is every other of the rule";
    EXPECT_EQ(answer(program, {SYS_getpid, {3, 0}}), allowed);
}

TEST(Compile, PassesOverNamesThatNobodyKnows) {
    const Program program = compiled(rules(R"({"names":["no_such_call","getpid","from_the_future"],
        "action":"SCMP_ACT_ERRNO"})"));
    EXPECT_EQ(answer(program, {SYS_getpid}), refused(EPERM));
    EXPECT_EQ(answer(program, {SYS_getppid}), allowed);
}

TEST(Compile, KillsForeignArchitectures) {
    const Program program = compiled(rules(rule("getpid", R"("action":"SCMP_ACT_ERRNO")")));
    EXPECT_EQ(answer(program, {20, {}, AUDIT_ARCH_I386}), killed);
    EXPECT_EQ(answer(program, {SYS_getppid | x32_bit}), killed);
    EXPECT_EQ(answer(program, {0, {}, AUDIT_ARCH_AARCH64}), killed);
}

TEST(Compile, KnowsTheNumbersOfEveryListedArchitecture) {
    const Program program = compiled(rules(
        rule("getpid", R"("action":"SCMP_ACT_ERRNO")"),
        R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_AARCH64","SCMP_ARCH_X86_64"],)"));
    for (const Entry& entry :
         {Entry{20, {}, AUDIT_ARCH_I386}, Entry{39}, Entry{39 | x32_bit}, Entry{172, {}, AUDIT_ARCH_AARCH64}})
        EXPECT_EQ(answer(program, entry), refused(EPERM)) << entry.number;
    for (const Entry& entry :
         {Entry{39, {}, AUDIT_ARCH_I386}, Entry{20}, Entry{172 | x32_bit}, Entry{39, {}, AUDIT_ARCH_AARCH64}})
        EXPECT_EQ(answer(program, entry), allowed) << entry.number;
}

TEST(Compile, RefusesAnArchitectureThatCannotBeInTheSameFilter) {
    EXPECT_EQ(
        verdict(rules("", R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_S390X"],)")),
        cat("config.json: /linux/seccomp/architectures/1: SCMP_ARCH_S390X: error adding architecture to "
            "seccomp filter (libseccomp ",
            library_version(), "): numerical argument out of domain"));
}

TEST(Compile, RefusesAnArchitectureThatThisLibraryDoesNotKnow) {
    if (library_arch(spec::SeccompArch::loongarch64)) GTEST_SKIP() << "this libseccomp knows all of them";
    EXPECT_TRUE(verdict(rules("", R"("architectures":["SCMP_ARCH_LOONGARCH64"],)"))
                    .starts_with("config.json: /linux/seccomp/architectures/0: SCMP_ARCH_LOONGARCH64: error "
                                 "adding architecture to seccomp filter"));
}

TEST(Compile, TakesTheSameRuleAndTheSameArchitectureTwice) {
    const std::string one = rule("getpid", R"("action":"SCMP_ACT_ERRNO")");
    const Program program =
        compiled(rules(cat(one, ',', one), R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_X86"],)"));
    EXPECT_EQ(answer(program, {SYS_getpid}), refused(EPERM));
}

TEST(Compile, TellsFlagsApart) {
    const auto flags = [](const std::string& list, const std::string& action = "SCMP_ACT_LOG") {
        return compiled(rules(rule("getpid", cat(R"("action":")", action, '"')), list)).flags;
    };
    constexpr auto spec_allow = std::uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    constexpr auto log = std::uint32_t{SECCOMP_FILTER_FLAG_LOG};
    constexpr auto listener = std::uint32_t{SECCOMP_FILTER_FLAG_NEW_LISTENER};
    constexpr auto killable = std::uint32_t{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
    EXPECT_EQ(flags(""), spec_allow);
    EXPECT_EQ(flags(R"("flags":null,)"), spec_allow);
    EXPECT_EQ(flags(R"("flags":[],)"), 0u);
    EXPECT_EQ(flags(R"("flags":["SECCOMP_FILTER_FLAG_TSYNC"],)"), 0u);
    EXPECT_EQ(flags(R"("flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"],)"),
              log | spec_allow);
    EXPECT_EQ(flags(R"("flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],)"), 0u);
    EXPECT_EQ(flags(R"("flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],)", "SCMP_ACT_NOTIFY"),
              listener | killable);
    EXPECT_EQ(flags("", "SCMP_ACT_NOTIFY"), listener | spec_allow);
}

TEST(Compile, SaysWhetherThereIsAListener) {
    EXPECT_TRUE(compiled(rules(rule("execve", R"("action":"SCMP_ACT_NOTIFY")"))).notifies);
    EXPECT_FALSE(compiled(rules(rule("execve", R"("action":"SCMP_ACT_LOG")"))).notifies);
}

TEST(Compile, MakesSoundPrograms) {
    EXPECT_TRUE(is_sound(compiled(R"({"defaultAction":"SCMP_ACT_KILL"})").instructions));
    EXPECT_TRUE(is_sound(compiled(rules(rule("getpid", one_argument_twice))).instructions));
}

TEST(Compile, RefusesMoreThanTheKernelTakes) {
    std::string args;
    for (std::uint64_t i = 1; i < 800; ++i)  // other bits each time: libseccomp shares equal parts
        args.append(cat(i == 1 ? "" : ",", R"({"index":0,"value":)", ~0ull - (i << 32 | i), R"(,"valueTwo":)",
                        0, R"(,"op":"SCMP_CMP_MASKED_EQ"})"));
    const std::string text =
        verdict(rules(rule("getpid", cat(R"("action":"SCMP_ACT_ERRNO","args":[)", args, ']'))));
    EXPECT_TRUE(text.starts_with("config.json: /linux/seccomp: the filter has ")) << text;
}

}  // namespace
}  // namespace bulkhead::seccomp::test

#endif
