// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"

namespace bulkhead::cli {
namespace {

Options read(std::vector<const char*> words) { return read_options(normalise(words)).value(); }

TEST(ReadOptions, HasRuncsDefaults) {
    const Options options = read({"create", "ID"});
    EXPECT_EQ(options.log_format, "text");
    EXPECT_EQ(options.rootless, "auto");
    EXPECT_EQ(options.format, "table");
    EXPECT_EQ(options.preserve_fds, 0U);
    EXPECT_FALSE(options.root_given);
}

TEST(ReadOptions, LetsTheLastOfManyWin) {
    EXPECT_EQ(read({"--root", "a", "--root=b", "list", "-root", "c"}).root, "c");
    EXPECT_FALSE(read({"--debug", "--debug=false", "list"}).debug);
    EXPECT_TRUE(read({"--debug=false", "--debug", "list"}).debug);
    EXPECT_EQ(read({"run", "--preserve-fds", "1", "--preserve-fds", "2", "ID"}).preserve_fds, 2U);
}

// CLI11 has ideas of its own about values that begin with a dash, are empty or stand in brackets.
TEST(ReadOptions, TakesValuesAsTheyAre) {
    for (const char* value : {"--debug", "-b", "--", "", "[a,b]", "%%", "{}", "a=b", "a,b", " x ", "\xff"})
        EXPECT_EQ(read({"create", "--bundle", value, "ID"}).bundle, value);
}

// Nothing splits a value at commas (Go's flag library does), takes it for a list or lets it swallow the next
// word.
TEST(ReadOptions, KeepsEveryOneOfARepeatableFlag) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(read({"exec", "-e", "A=1", "--env=B=a,b", "-e", "C", "ID", "x"}).env,
              (Words{"A=1", "B=a,b", "C"}));
    for (const char* value : {"{}", "%%", "[a,b]", "", "--env", "-g", " x ", "a;b", "\xff"}) {
        EXPECT_EQ(read({"exec", "-e", value, "ID"}).env, Words{value});
        EXPECT_EQ(read({"exec", "-e", value, "-e", "A=1", "ID"}).env, (Words{value, "A=1"}));
    }
    const Options options =
        read({"exec", "-g", "1", "-c", "CAP_KILL", "-g", "2", "--cgroup", "a", "--cap=CAP_CHOWN", "ID"});
    EXPECT_EQ(options.additional_gids, (Words{"1", "2"}));
    EXPECT_EQ(options.capabilities, (Words{"CAP_KILL", "CAP_CHOWN"}));
    EXPECT_EQ(options.cgroups, Words{"a"});
    EXPECT_TRUE(read({"exec", "ID"}).env.empty());
}

TEST(ReadOptions, TellsAnEmptyUserFromNone) {
    EXPECT_FALSE(read({"exec", "ID"}).user_given);
    EXPECT_FALSE(read({"exec", "-e", "--user", "ID"}).user_given);
    EXPECT_TRUE(read({"exec", "-u", "", "ID"}).user_given);
    EXPECT_EQ(read({"exec", "-u", "1", "--user=2", "ID"}).user, "2");
}

TEST(ReadOptions, TellsFalseFromNotGiven) {
    EXPECT_EQ(read({"exec", "ID"}).no_new_privileges, std::nullopt);
    EXPECT_EQ(read({"exec", "--no-new-privs", "ID"}).no_new_privileges, true);
    EXPECT_EQ(read({"exec", "--no-new-privs=false", "ID"}).no_new_privileges, false);
    EXPECT_EQ(read({"exec", "--no-new-privs=false", "--no-new-privs", "ID"}).no_new_privileges, true);
    EXPECT_EQ(read({"exec", "--no-new-privs", "--no-new-privs=false", "ID"}).no_new_privileges, false);
}

TEST(ReadOptions, TellsAnEmptyRootFromNone) {
    EXPECT_TRUE(read({"--root", "", "list"}).root_given);
    EXPECT_FALSE(read({"--log", "--root", "list"}).root_given);
}

TEST(HelpText, NamesEveryFlagAndNoHiddenOne) {
    for (const CommandRow& row : commands) {
        const std::string text = help_text(row.command);
        for (const Flag& flag : flags) {
            const Flag* known = find_flag(row.command, flag.name);
            const bool own = known != nullptr && known->belongs_to(row.command) && known->shown == Shown::yes;
            EXPECT_EQ(text.find(cat("--", flag.name, ' ')) != std::string::npos, own)
                << row.name << ' ' << flag.name;
        }
        EXPECT_NE(text.find(cat("Usage: bulkhead [global options] ", row.name, " [options]")),
                  std::string::npos);
    }
}

TEST(HelpText, NamesEveryGlobalAndEveryCommand) {
    const std::string text = help_text(Command::none);
    for (const CommandRow& row : commands)
        EXPECT_NE(text.find(cat("\n  ", row.name, ' ')), std::string::npos);
    for (const Flag& flag : flags)
        EXPECT_EQ(flag.commands != global || text.find(cat("--", flag.name)) != std::string::npos, true)
            << flag.name;
}

}  // namespace
}  // namespace bulkhead::cli
