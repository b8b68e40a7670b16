// SPDX-License-Identifier: Apache-2.0
// From words to exit code, output and messages; no verb here needs a container or a privilege.
#include "cli/program.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "cli/output.hpp"
#include "support.hpp"

namespace bulkhead::cli {
namespace {

Result<VerbResult> perform(std::vector<const char*> words) {
    const CommandLine line = parse_command_line(words);
    return perform(line, line.options, look_at_caller());
}

std::string error_of(std::vector<const char*> words) {
    const auto outcome = perform(std::move(words));
    return outcome ? "" : outcome.error().text;
}

TEST(Perform, PrintsVersionAndHelpBeforeItAsksForAnythingElse) {
    EXPECT_TRUE(perform({"--version"})->output.starts_with("bulkhead version "));
    EXPECT_TRUE(perform({"-v", "create"})->output.starts_with("bulkhead version "));
    EXPECT_TRUE(perform({})->output.starts_with("bulkhead - "));
    EXPECT_TRUE(perform({"kill", "--help"})->output.starts_with("bulkhead kill - "));
    EXPECT_EQ(perform({"help", "kill"})->output, perform({"kill", "-h"})->output);
}

TEST(Perform, RefusesWrongCommandLines) {
    EXPECT_EQ(error_of({"create"}), "bulkhead: \"create\" requires exactly 1 argument(s)");
    EXPECT_EQ(error_of({"checkpoint", "--help"}), "unknown command \"checkpoint\"");
    EXPECT_EQ(error_of({"help", "restore"}), "unknown command \"restore\"");
    EXPECT_EQ(error_of({"kill", "ID", "FOO"}), "unknown signal \"FOO\"");
    EXPECT_EQ(error_of({"exec"}), "bulkhead: \"exec\" requires a minimum of 1 argument(s)");
    EXPECT_EQ(error_of({"pause"}), "bulkhead: \"pause\" requires exactly 1 argument(s)");
    EXPECT_EQ(error_of({"--systemd-cgroup", "--cgroup-manager", "disabled", "run", "ID"}),
              "--systemd-cgroup and --cgroup-manager disabled contradict each other");
    EXPECT_EQ(error_of({"--root", "/", "state", "ID"}),
              "--root: the root directory cannot hold the states of containers");
}

TEST(Perform, PrintsFeaturesThatParse) {
    const auto features = nlohmann::json::parse(perform({"features"})->output);
    EXPECT_EQ(features["linux"]["capabilities"].size(), 41U);
    EXPECT_EQ(features["hooks"].size(), 6U);
    EXPECT_FALSE(features["mountOptions"].empty());
}

TEST(Spec, WritesOnceAndNeverOverwrites) {
    const TemporaryDirectory bundle;
    const std::string path = bundle / "config.json";
    const std::string flag = "--bundle=" + (bundle / "");
    const mode_t before = ::umask(022);
    ASSERT_TRUE(perform({"spec", flag.c_str()}));
    ::umask(before);
    const std::string text = text_of(path);
    EXPECT_TRUE(nlohmann::json::parse(text).contains("process"));
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644U);
    EXPECT_EQ(error_of({"spec", flag.c_str()}), "File config.json exists. Remove it first");
    EXPECT_EQ(text_of(path), text);
    EXPECT_TRUE(error_of({"spec", "-b", "/no/such"}).ends_with("no such file or directory"));
}

TEST(Spec, WritesASeccompProfileWhereItIsAskedFor) {
    const auto written = [](const char* choice) {
        const TemporaryDirectory bundle;
        const std::string flag = "--bundle=" + (bundle / "");
        EXPECT_TRUE(perform({"spec", flag.c_str(), "--seccomp", choice}));
        return nlohmann::json::parse(text_of(bundle / "config.json"));
    };
    auto with = written("default");
    EXPECT_EQ(with["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
    EXPECT_GT(with["linux"]["seccomp"]["syscalls"].size(), 10U);
    const auto without = written("none");
    EXPECT_FALSE(without["linux"].contains("seccomp"));
    with["linux"].erase("seccomp");
    EXPECT_EQ(with, without) << "and nothing else is different";
    EXPECT_FALSE(error_of({"spec", "--seccomp", "some"}).empty());
}

TEST(Tell, TurnsOutcomesIntoExitCodes) {
    EXPECT_EQ(tell(VerbResult{}, {}), 0);
    EXPECT_EQ(tell(VerbResult{{}, 137, {}}, {}), 137);
    const std::string seen = captured(
        STDERR_FILENO, [] { EXPECT_EQ(tell(fail(Kind::not_found, "container does not exist"), {}), 1); });
    EXPECT_EQ(seen, "container does not exist\n");
}

TEST(Perform, FailsOnContainersThatAreNotThere) {
    const TemporaryDirectory root;
    const std::string flag = "--root=" + (root / "");
    for (const char* verb : {"ps", "pause", "resume", "kill"})
        EXPECT_EQ(error_of({flag.c_str(), verb, "box"}), "container does not exist: box") << verb;
    EXPECT_EQ(error_of({flag.c_str(), "ps", "--format", "json", "box"}), "container does not exist: box");
}

// Exit codes below 255 may be the process's own.
TEST(Perform, ReportsWhatExecCannotDoWith255) {
    const TemporaryDirectory root;
    const std::string flag = "--root=" + (root / "");
    const auto failure_of = [&](std::vector<const char*> words) {
        words.insert(words.begin(), {flag.c_str(), "exec"});
        const auto outcome = perform(std::move(words));
        EXPECT_TRUE(outcome && outcome->failure);
        EXPECT_EQ(outcome->exit_code, 255);
        return outcome->failure.value_or(Error{}).text;
    };
    EXPECT_EQ(failure_of({"box", "sh"}), "exec failed: container does not exist: box");
    EXPECT_TRUE(failure_of({"b!x", "sh"}).starts_with("exec failed: invalid container ID format"));
    EXPECT_TRUE(failure_of({"--cgroup", "a:b", "box", "sh"}).starts_with("exec failed: invalid --cgroup"));
    EXPECT_FALSE(error_of({flag.c_str(), "exec", "--nosuch", "box"}).empty()) << "a wrong command line is 1";
}

TEST(Tell, LogsAFailureWithAnExitCodeOfItsOwn) {
    const VerbResult outcome{{}, 255, {"careful"}, Error{Kind::internal, 0, "exec failed: no"}};
    const std::string seen = captured(STDERR_FILENO, [&] { EXPECT_EQ(tell(outcome, {}), 255); });
    EXPECT_EQ(seen, "exec failed: no\n") << "an engine reads it as the one message";
}

TEST(Tell, WritesOutputToStdoutAndNothingElse) {
    std::string out;
    const std::string err = captured(STDERR_FILENO, [&] {
        out = captured(STDOUT_FILENO, [] { EXPECT_EQ(tell(VerbResult{"{}", 0, {}}, {}), 0); });
    });
    EXPECT_EQ(out, "{}");
    EXPECT_EQ(err, "");
}

TEST(Tell, FailsWhereTheOutputCannotBeDelivered) {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    const std::string err = captured(STDERR_FILENO, [&] {
        with_descriptor(STDOUT_FILENO, full, [] {
            EXPECT_EQ(tell(VerbResult{"{}", 0, {}}, {}), 1);
            EXPECT_EQ(tell(VerbResult{{}, 0, {}}, {}), 0);  // create has nothing to say
        });
    });
    EXPECT_EQ(err, "stdout: write: no space left on device\n");
    ::close(full);
}

// go-runc's null IO is /dev/null opened read-only.
TEST(Tell, SucceedsWhereNoOutputIsWanted) {
    const int read_only = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const std::string err = captured(STDERR_FILENO, [&] {
        with_descriptor(STDOUT_FILENO, read_only, [] { EXPECT_EQ(tell(VerbResult{"{}", 0, {}}, {}), 0); });
    });
    EXPECT_EQ(err, "");
    ::close(read_only);
}

// The log must not become the container's stdin.
TEST(FillStandardDescriptors, OpensWhatTheCallerLeftClosed) {
    const int saved = ::dup(STDIN_FILENO);
    ::close(STDIN_FILENO);
    EXPECT_TRUE(fill_standard_descriptors());
    EXPECT_EQ(std::filesystem::read_symlink("/proc/self/fd/0"), "/dev/null");
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), 0);
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
}

}  // namespace
}  // namespace bulkhead::cli
