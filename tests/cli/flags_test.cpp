// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/command_line.hpp"

namespace bulkhead::cli {
namespace {

Options read(const std::vector<const char*>& words) { return parse_command_line(words).options; }

template <class Flags>
Flags flags_of(const std::vector<const char*>& words) {
    return std::get<Flags>(read(words).verb);
}
ExecFlags exec(std::vector<const char*> words) {
    words.insert(words.begin(), "exec");
    words.push_back("ID");
    return flags_of<ExecFlags>(words);
}

TEST(Flags, HaveRuncsDefaults) {
    const Options options = read({"create", "ID"});
    EXPECT_EQ(options.global.log_format, "text");
    EXPECT_EQ(options.global.rootless, "auto");
    EXPECT_EQ(options.global.root, std::nullopt);
    EXPECT_EQ(std::get<CreateFlags>(options.verb).preserve_fds, 0U);
    EXPECT_EQ(flags_of<ListFlags>({"list"}).format, "table");
}

TEST(Flags, TheLastOfManyWins) {
    EXPECT_EQ(read({"--root", "a", "--root=b", "list", "-root", "c"}).global.root, "c");
    EXPECT_EQ(read({"--debug", "--debug=false", "list"}).global.debug, false);
    EXPECT_EQ(read({"--debug=false", "--debug", "list"}).global.debug, true);
    EXPECT_FALSE(flags_of<ListFlags>({"list", "-q", "--quiet=false"}).quiet);
    EXPECT_EQ(flags_of<RunFlags>({"run", "--preserve-fds", "1", "--preserve-fds", "2", "ID"}).preserve_fds,
              2U);
}

// CLI11 has ideas of its own about values that begin with a dash, are empty or stand in brackets.
TEST(Flags, TakeValuesAsTheyAre) {
    for (const char* value : {"--debug", "-b", "--", "", "[a,b]", "%%", "{}", "a=b", "a,b", " x ", "\xff"}) {
        EXPECT_EQ(flags_of<CreateFlags>({"create", "--bundle", value, "ID"}).bundle, value);
        EXPECT_EQ(read({"--root", value, "list"}).global.root, value);
    }
}

// Nothing splits a value at commas (Go's flag library does), takes it for a list or lets it swallow the next
// word.
TEST(Flags, KeepEveryOneOfARepeatableFlag) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(exec({"-e", "A=1", "--env=B=a,b", "-e", "C"}).env, (Words{"A=1", "B=a,b", "C"}));
    for (const char* value : {"{}", "%%", "[a,b]", "", "--env", "-g", " x ", "a;b", "\xff"}) {
        EXPECT_EQ(exec({"-e", value}).env, Words{value});
        EXPECT_EQ(exec({"-e", value, "-e", "A=1"}).env, (Words{value, "A=1"}));
    }
    const ExecFlags flags =
        exec({"-g", "1", "-c", "CAP_KILL", "-g", "2", "--cgroup", "a", "--cap=CAP_CHOWN"});
    EXPECT_EQ(flags.additional_gids, (Words{"1", "2"}));
    EXPECT_EQ(flags.capabilities, (Words{"CAP_KILL", "CAP_CHOWN"}));
    EXPECT_EQ(flags.cgroups, Words{"a"});
    EXPECT_TRUE(exec({}).env.empty());
}

TEST(Flags, TellAnEmptyValueFromNone) {
    EXPECT_EQ(exec({}).user, std::nullopt);
    EXPECT_EQ(exec({"-e", "--user"}).user, std::nullopt);
    EXPECT_EQ(exec({"-u", ""}).user, "");
    EXPECT_EQ(exec({"-u", "1", "--user=2"}).user, "2");
    EXPECT_EQ(read({"--root", "", "list"}).global.root, "");
    EXPECT_EQ(read({"--log", "--root", "list"}).global.root, std::nullopt);
}

TEST(Flags, TellFalseFromNotGiven) {
    EXPECT_EQ(exec({}).no_new_privileges, std::nullopt);
    EXPECT_EQ(exec({"--no-new-privs"}).no_new_privileges, true);
    EXPECT_EQ(exec({"--no-new-privs=false"}).no_new_privileges, false);
    EXPECT_EQ(exec({"--no-new-privs=false", "--no-new-privs"}).no_new_privileges, true);
    EXPECT_EQ(exec({"--no-new-privs", "--no-new-privs=false"}).no_new_privileges, false);
}

// A value that is refused leaves the target as it was.
TEST(Flags, KeepNothingOfAWrongValue) {
    EXPECT_EQ(read({"--log-format", "xml", "list"}).global.log_format, "text");
    EXPECT_EQ(flags_of<RunFlags>({"run", "--preserve-fds", "x", "ID"}).preserve_fds, 0U);
}

// The flags that a verb takes: its own and the global ones.
std::vector<Flag> known_to(Command command) {
    GlobalFlags global;
    VerbFlags own = cli::flags_of(command);
    FlagSet set;
    if (command == Command::none)
        describe(set, global);
    else
        describe(set, own);
    return set.flags();
}

TEST(Flags, MeanOneThingEach) {
    std::vector<Command> all{Command::none};
    for (const CommandRow& row : commands) all.push_back(row.command);
    for (const Command command : all) {
        const std::vector<Flag> flags = known_to(command);
        for (const Flag& one : flags)
            for (const Flag& other : flags)
                if (&one != &other) {
                    EXPECT_NE(one.name, other.name);
                    EXPECT_TRUE(one.letter == 0 || one.letter != other.letter)
                        << one.name << ' ' << other.name;
                }
    }
}

TEST(HelpText, NamesEveryFlagAndNoHiddenOne) {
    for (const CommandRow& row : commands) {
        const std::string text = help_text(row.command);
        for (const Flag& flag : known_to(row.command))
            EXPECT_NE(text.contains(cat("--", flag.name, ' ')), flag.hidden) << row.name << ' ' << flag.name;
        EXPECT_FALSE(text.contains("--root ")) << row.name;
        EXPECT_TRUE(text.contains(cat("Usage: bulkhead [global options] ", row.name, " [options]"))) << text;
    }
}

TEST(HelpText, NamesEveryGlobalAndEveryCommand) {
    const std::string text = help_text(Command::none);
    for (const CommandRow& row : commands) EXPECT_TRUE(text.contains(cat("\n  ", row.name, ' '))) << row.name;
    for (const Flag& flag : known_to(Command::none))
        EXPECT_TRUE(text.contains(cat("--", flag.name))) << flag.name;
}

}  // namespace
}  // namespace bulkhead::cli
