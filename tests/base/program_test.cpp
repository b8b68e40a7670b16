// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead {
namespace {

constexpr int deadline_ms = 20'000;

// What a line of shell writes, or why it failed.
Result<std::string> shell(const std::string& line, int deadline = deadline_ms) {
    return run_program("/bin/sh", {"-c", line}, deadline);
}

TEST(RunProgram, ReturnsWhatItWroteWithoutTheNewline) {
    EXPECT_EQ(shell("echo one; echo two >&2; echo").value(), "one\ntwo");
    EXPECT_EQ(shell("true").value(), "");
    EXPECT_EQ(run_program("/bin/echo", {"$HOME", "a b", ""}, deadline_ms).value(), "$HOME a b ");
}

TEST(RunProgram, GivesItNothingOfOurs) {
    const int leaked = ::open("/", O_RDONLY);  // NOLINT: not close-on-exec, as a preserved descriptor is
    EXPECT_EQ(run_program("/usr/bin/env", {}, deadline_ms).value(), "");
    EXPECT_EQ(shell("cat").value(), "") << "its input is /dev/null";
    EXPECT_EQ(run_program("/bin/ls", {"-m", "/proc/self/fd"}, deadline_ms).value(), "0, 1, 2, 3")
        << "3 is that of ls itself";
    ::close(leaked);
}

TEST(RunProgram, FailsWithItsWordsOrItsStatus) {
    EXPECT_EQ(shell("echo no luck >&2; exit 3").error().text, "no luck");
    EXPECT_EQ(shell("exit 3").error().text, "exit status 3");
    EXPECT_EQ(shell("kill -9 $$").error().text, "exit status 137");
    EXPECT_EQ(shell("printf '\\033[2J'; exit 1").error().text, "\\x1b[2J");
}

TEST(RunProgram, KillsItAtTheDeadline) {
    const auto begin = sys::monotonic_ns();
    EXPECT_EQ(shell("exec sleep 60", 50).error().text, "no answer within 50 ms");
    EXPECT_LT(sys::monotonic_ns() - begin, 10'000'000'000u);
}

TEST(RunProgram, TakesNoMoreThanItsLimit) {
    EXPECT_EQ(shell("head -c 65536 /dev/zero | tr '\\0' x").value().size(), 65536u);
    EXPECT_EQ(shell("head -c 65537 /dev/zero | tr '\\0' x").error().text,
              "its output is larger than 65536 bytes");
    EXPECT_EQ(run_program("/bin/echo", {"four"}, deadline_ms, 5).value(), "four");
    EXPECT_EQ(run_program("/bin/echo", {"four"}, deadline_ms, 4).error().text,
              "its output is larger than 4 bytes");
}

TEST(RunProgram, ThatIsNotThereIsAnError) {
    EXPECT_EQ(run_program("/nowhere/helper", {}, deadline_ms).error().err, ENOENT);
    EXPECT_FALSE(run_program("sh", {}, deadline_ms)) << "no PATH is searched";
}

}  // namespace
}  // namespace bulkhead
