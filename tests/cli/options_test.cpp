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
