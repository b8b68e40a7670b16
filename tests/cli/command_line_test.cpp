// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "base/text.hpp"

namespace bulkhead::cli {
namespace {

struct Case {
    std::string_view line;  // the command line without argv[0]; one blank between words, `''` an empty one
    std::string_view expected;  // see shown()
};

CommandLine parsed(std::string_view line) {
    std::vector<std::string> words;
    for (const std::string_view word : split(line, ' '))
        if (!word.empty()) words.emplace_back(word == "''" ? "" : word);
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return parse_command_line(argv);
}

// "GLOBALS | VERB FLAGS | OPERANDS", or "! error"
std::string shown(const CommandLine& line) {
    if (line.error) return cat("! ", line.error->text);
    std::string text = join(line.globals, " ");
    text.append(" | ").append(line.command == Command::none ? "-" : row_of(line.command).name);
    for (const std::string& word : line.flags) text.append(" ").append(word);
    text.append(" |");
    for (const std::string& word : line.operands) text.append(" ").append(word);
    return text;
}

void check(std::initializer_list<Case> cases) {
    for (const Case& c : cases) EXPECT_EQ(shown(parsed(c.line)), c.expected) << c.line;
}

TEST(ParseCommandLine, TakesFlagsInEverySpelling) {
    check({
        {"", " | - |"},
        {"list", " | list |"},
        {"create --bundle B ID", " | create --bundle B | ID"},
        {"create --bundle=B ID", " | create --bundle B | ID"},
        {"create -bundle B ID", " | create --bundle B | ID"},
        {"create -bundle=B ID", " | create --bundle B | ID"},
        {"create -b B ID", " | create --bundle B | ID"},
        {"create -b=B ID", " | create --bundle B | ID"},
        {"create --b B ID", " | create --bundle B | ID"},
        {"run -no-subreaper ID", " | run --no-subreaper | ID"},
        {"run -d ID", " | run --detach | ID"},
        {"run --preserve-fds 3 ID", " | run --preserve-fds 3 | ID"},
        {"create --bundle=a=b ID", " | create --bundle a=b | ID"},
        {"create --bundle= ID", " | create --bundle  | ID"},
        {"create --pid-file '' ID", " | create --pid-file  | ID"},
        {"-h", "--help | - |"},
        {"-v", "--version | - |"},
        {"--version list", "--version | list |"},
        {"create --help", "--help | create |"},
        {"h kill", " | help | kill"},
        {"exec -d -p P ID", " | exec --detach --process P | ID"},
        {"exec -e A=1 --env=B=2 -env C ID x", " | exec --env A=1 --env B=2 --env C | ID x"},
        {"exec -u 1:2 -g 3 -g=4 -c CAP_KILL -t ID x",
         " | exec --user 1:2 --additional-gids 3 --additional-gids 4 --cap CAP_KILL --tty | ID x"},
        {"exec --no-new-privs=false ID x", " | exec --no-new-privs=false | ID x"},
    });
}

TEST(ParseCommandLine, TakesBooleansWithAValueOnlyBehindAnEqualsSign) {
    check({
        {"--debug list", "--debug | list |"},
        {"--debug=true list", "--debug | list |"},
        {"--debug=T list", "--debug | list |"},
        {"--debug=1 list", "--debug | list |"},
        {"--debug=false list", "--debug=false | list |"},
        {"--debug=0 list", "--debug=false | list |"},
        {"delete --force=false ID", " | delete --force=false | ID"},
        {"--debug false", "! unknown command \"false\""},
        {"--debug=maybe list", "! invalid boolean value \"maybe\" for -debug: parse error"},
        {"list -q= ", "! invalid boolean value \"\" for -q: parse error"},
    });
}

TEST(ParseCommandLine, FindsGlobalsBehindTheVerbAndFlagsBehindOperands) {
    check({
        {"create --root R ID", "--root R | create | ID"},
        {"create ID --root=R", "--root R | create | ID"},
        {"--root A state ID --root B", "--root A --root B | state | ID"},
        {"delete ID --force", " | delete --force | ID"},
        {"create ID --bundle B", " | create --bundle B | ID"},
        {"list -f json -q", " | list --format json --quiet |"},
        {"delete ID -f", " | delete --force | ID"},
        {"--rootless=false spec --rootless", "--rootless false | spec --rootless |"},
        {"create --rootless false ID", "--rootless false | create | ID"},
        {"--rootless=1 -rootless TRUE --rootless=f list",
         "--rootless true --rootless true --rootless false | list |"},
        {"--rootless= list", "--rootless auto | list |"},
    });
}

TEST(ParseCommandLine, EndsFlagsWhereTheyEnd) {
    check({
        {"delete -- -x", " | delete | -x"},
        {"delete --force -- --force", " | delete --force | --force"},
        {"delete -- ID --", " | delete | ID --"},
        {"-- list -q", " | list --quiet |"},
        {"--debug -- delete -f ID", "--debug | delete --force | ID"},
        {"kill ID -9", " | kill | ID -9"},
        {"kill ID --all", " | kill | ID --all"},
        {"kill -a ID KILL", " | kill --all | ID KILL"},
        {"delete -", " | delete | -"},
        {"exec -t ID sh -c -d --env --", " | exec --tty | ID sh -c -d --env --"},
        {"exec ID -- sh", " | exec | ID -- sh"},
        {"exec -- ID -t", " | exec | ID -t"},
        {"exec ID prog --root R --help", " | exec | ID prog --root R --help"},
        {"ps -f json ID -ef", " | ps --format json | ID -ef"},
        {"ps ID -f json", " | ps | ID -f json"},
        {"ps ID aux --sort pid", " | ps | ID aux --sort pid"},
        // Go's parser takes the next word as the value, whatever it looks like.
        {"create --bundle --pid-file ID", " | create --bundle --pid-file | ID"},
        {"create --bundle -- ID", " | create --bundle -- | ID"},
        {"create --bundle -1 ID", " | create --bundle -1 | ID"},
    });
}

TEST(ParseCommandLine, RefusesInTheWordsOfGo) {
    check({
        {"create --bundle", "! flag needs an argument: -bundle"},
        {"create -b", "! flag needs an argument: -b"},
        {"--root", "! flag needs an argument: -root"},
        {"create --nosuch ID", "! flag provided but not defined: -nosuch"},
        {"--nosuch=1 list", "! flag provided but not defined: -nosuch"},
        {"delete -ff ID", "! flag provided but not defined: -ff"},
        {"kill -9 ID", "! flag provided but not defined: -9"},
        {"start --bundle B ID", "! flag provided but not defined: -bundle"},
        {"exec --bundle B ID", "! flag provided but not defined: -bundle"},
        {"pause --all ID", "! flag provided but not defined: -all"},
        {"resume -f ID", "! flag provided but not defined: -f"},
        {"ps -ef ID", "! flag provided but not defined: -ef"},
        {"exec --env", "! flag needs an argument: -env"},
        {"exec --tty=maybe ID", "! invalid boolean value \"maybe\" for -tty: parse error"},
        {"exec --no-new-privs=x ID", "! invalid boolean value \"x\" for -no-new-privs: parse error"},
        {"ps -f xml ID", "! invalid value \"xml\" for flag -f: must be one of table|json"},
        {"create --keep ID", "! flag provided but not defined: -keep"},
        {"create ---x", "! bad flag syntax: ---x"},
        {"create -=x", "! bad flag syntax: -=x"},
        {"create --help --nosuch", "! flag provided but not defined: -nosuch"},
        {"create --preserve-fds abc ID", "! invalid value \"abc\" for flag -preserve-fds: parse error"},
        {"create --preserve-fds -1 ID", "! invalid value \"-1\" for flag -preserve-fds: parse error"},
        {"create --preserve-fds 010 ID", "! invalid value \"010\" for flag -preserve-fds: parse error"},
        {"create --preserve-fds 4294967296 ID",
         "! invalid value \"4294967296\" for flag -preserve-fds: parse error"},
        {"--log-format xml list", "! invalid value \"xml\" for flag -log-format: must be one of text|json"},
        {"list -f yaml", "! invalid value \"yaml\" for flag -f: must be one of table|json"},
        {"--rootless maybe list",
         "! invalid value \"maybe\" for flag -rootless: must be one of true|false|auto"},
        {"nosuch", "! unknown command \"nosuch\""},
        {"a\x1b[0m", "! unknown command \"a\\x1b[0m\""},
    });
}

// podman and CRI-O ask like this whether pods can be restored; `flag needs an argument` would mean yes.
TEST(ParseCommandLine, DoesNotKnowCheckpointAndRestore) {
    check({
        {"checkpoint --help", "! unknown command \"checkpoint\""},
        {"--root R checkpoint --help", "! unknown command \"checkpoint\""},
        {"restore --lsm-mount-context", "! unknown command \"restore\""},
    });
}

// Words that belong to an unknown verb are not looked at; what came before the trouble is kept, and what
// follows a merely wrong flag too.
TEST(ParseCommandLine, KeepsTheLogOfAWrongCommandLine) {
    EXPECT_EQ(join(parsed("--log L --log-format json create --nosuch ID").globals, " "),
              "--log L --log-format json");
    EXPECT_EQ(join(parsed("--log-format xml --log L list").globals, " "), "--log L");
    EXPECT_EQ(join(parsed("create --nosuch ID --log L").globals, " "), "--log L");
    EXPECT_EQ(join(parsed("--log L create ID --bundle").globals, " "), "--log L");
    EXPECT_EQ(join(parsed("--log L nosuch ID cat --log /etc/passwd").globals, " "), "--log L");
}

TEST(CheckOperands, CountsInTheWordsOfRunc) {
    const auto error_of = [](std::string_view line) {
        const auto result = check_operands(parsed(line));
        return result ? std::string() : result.error().text;
    };
    EXPECT_EQ(error_of("create"), "bulkhead: \"create\" requires exactly 1 argument(s)");
    EXPECT_EQ(error_of("state a b"), "bulkhead: \"state\" requires exactly 1 argument(s)");
    EXPECT_EQ(error_of("kill"), "bulkhead: \"kill\" requires a minimum of 1 argument(s)");
    EXPECT_EQ(error_of("kill a b c"), "bulkhead: \"kill\" requires a maximum of 2 argument(s)");
    EXPECT_EQ(error_of("explain a b"), "bulkhead: \"explain\" requires a maximum of 1 argument(s)");
    EXPECT_EQ(error_of("exec"), "bulkhead: \"exec\" requires a minimum of 1 argument(s)");
    EXPECT_EQ(error_of("ps"), "bulkhead: \"ps\" requires a minimum of 1 argument(s)");
    EXPECT_EQ(error_of("pause"), "bulkhead: \"pause\" requires exactly 1 argument(s)");
    EXPECT_EQ(error_of("resume a b"), "bulkhead: \"resume\" requires exactly 1 argument(s)");
    std::string many = "exec";
    for (int i = 0; i < 300; ++i) many.append(" word");
    EXPECT_EQ(error_of(many), "");
    EXPECT_EQ(error_of("list a"), "bulkhead: \"list\" requires exactly 0 argument(s)");
    EXPECT_EQ(error_of("delete ''"), "");  // an empty id is the runtime's to refuse
}

}  // namespace
}  // namespace bulkhead::cli
