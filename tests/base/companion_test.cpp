// SPDX-License-Identifier: Apache-2.0
#include "base/companion.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead {
namespace {

constexpr int deadline_ms = 20'000;

// A line of shell, whose input is the socket: `cat >&0` gives every message back.
Companion shell(const std::string& line) { return Companion::start("/bin/sh", {"-c", line}).value(); }

// What a shell has no word for: one message, read as a whole.
const std::string take = "dd bs=64 count=1 status=none >/dev/null; ";

TEST(Companion, AnswersOneMessageAfterTheOther) {
    Companion echo = shell("exec cat >&0");
    for (const std::string& message : {std::string("a"), std::string("b\0c", 3), std::string(20'000, 'x')})
        EXPECT_EQ(echo.ask(message, deadline_ms).value(), message);
}

TEST(Companion, HasNothingOfOurs) {
    Companion one = shell(take + "/usr/bin/env -u PWD -u _ -u OLDPWD -u SHLVL >&0");
    EXPECT_EQ(one.ask("?", deadline_ms).error().text, "it ended without an answer");
    Companion two = shell(take + "echo $(ls /proc/self/fd) >&0");
    EXPECT_EQ(two.ask("?", deadline_ms).value(), "0 1 2 3\n") << "3 is that of ls itself";
}

TEST(Companion, ThatIsSilentIsEndedAtTheDeadline) {
    Companion deaf = shell("exec sleep 60");
    const auto begin = sys::monotonic_ns();
    EXPECT_EQ(deaf.ask("?", 50).error().text, "no answer within 50 ms");
    EXPECT_EQ(deaf.ask("?", 50).error().text, "it was ended before");
    EXPECT_LT(sys::monotonic_ns() - begin, 5'000'000'000u);
}

TEST(Companion, ThatEndsLeavesItsLastWords) {
    EXPECT_EQ(shell("printf 'no \\033[2J luck' >&2; exit 1").ask("?", deadline_ms).error().text,
              "no \\x1b[2J luck");
    EXPECT_EQ(shell("exit 0").ask("?", deadline_ms).error().text, "it ended without an answer");
}

TEST(Companion, EndsWithItsOwner) {
    std::optional<Companion> one(shell("echo $$ >&0; exec sleep 60"));
    const std::string said = one->ask("?", deadline_ms).value();
    const auto pid = parse_decimal<unsigned>(split(said, '\n')[0]).value();
    EXPECT_EQ(::kill(static_cast<pid_t>(pid), 0), 0);
    one.reset();
    EXPECT_EQ(::kill(static_cast<pid_t>(pid), 0), -1) << "neither running nor a zombie";
}

TEST(Companion, MovesWithItsProgram) {
    Companion one = shell("exec cat >&0"),
              two = shell("exec 3>&0; dd bs=64 count=1 status=none | sed s/a/b/ >&3");
    one = std::move(two);
    EXPECT_EQ(one.ask("a\n", deadline_ms).value(), "b\n");
}

TEST(Companion, MustBeAProgram) {
    EXPECT_EQ(Companion::start("/nowhere/helper", {}).error().kind, Kind::not_found);
}

TEST(MessageOfWords, KeepsEmptyOnes) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{}, {""}, {"ok"}, {"start", "", "a b\n", ""}})
        EXPECT_EQ(words_of(message_of(words)), words);
}

TEST(MessageOfWords, EndsWithTheLastNul) {
    EXPECT_EQ(words_of(std::string_view("ok\0rest", 7)), (std::vector<std::string>{"ok"}));
    EXPECT_EQ(words_of("rest"), std::vector<std::string>());
}

}  // namespace
}  // namespace bulkhead
