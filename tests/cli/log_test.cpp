// SPDX-License-Identifier: Apache-2.0
#include "cli/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "support.hpp"

namespace bulkhead::cli {
namespace {

constexpr timespec moment{1795261105, 289509667};
const Error trouble{Kind::kernel, 0, "exec: \"foo\": executable file not found in $PATH"};

TEST(LogLine, LooksLikeLogrus) {
    EXPECT_EQ(log_line(Format::json, Level::error, "a \"b\"", moment),
              "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\",\"time\":\"2026-11-21T11:38:25.289509667Z\"}\n");
    EXPECT_EQ(log_line(Format::text, Level::warning, "a \"b\" \\", moment),
              "time=\"2026-11-21T11:38:25.289509667Z\" level=warning msg=\"a \\\"b\\\" \\\\\"\n");
    EXPECT_EQ(log_line(Format::text, Level::debug, "", {0, 5}),
              "time=\"1970-01-01T00:00:00.000000005Z\" level=debug msg=\"\"\n");
}

TEST(LogLine, IsOneValidLineWhateverTheTextSays) {
    for (const std::string& hostile :
         {std::string("esc \x1b[31m"), std::string("two\nlines\r\n"), std::string("\xff\xfe utf"),
          std::string("\xc3"), std::string("nul \0 nul", 9), std::string("c1 \xc2\x9b"),
          std::string("\\x1b \" \\"), std::string(1000, '\x01'), std::string(999, '\xc3') + "\xa9"}) {
        const std::string line = log_line(Format::json, Level::error, hostile, moment);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        const auto object = nlohmann::json::parse(line);
        EXPECT_EQ(object.size(), 3U);
        EXPECT_EQ(object["msg"], one_line(hostile));
        EXPECT_EQ(object["level"], "error");
        EXPECT_EQ(log_line(Format::text, Level::error, hostile, moment).find('\x1b'), std::string::npos);
    }
}

TEST(OneLine, EscapesAndKeepsTheRestWhole) {
    EXPECT_EQ(one_line("a\n\x1b\xff"), "a\\x0a\\x1b\\xff");
    std::string umlauts;
    for (int count = 0; count < 500; ++count) umlauts.append(count % 3 == 0 ? "\xe2\x82\xac" : "\xc3\xa9");
    EXPECT_EQ(one_line(umlauts), umlauts);
    EXPECT_TRUE(one_line(std::string(5000, 'p') + ": no such file or directory")
                    .ends_with("p: no such file or directory"));
}

TEST(OneLine, LeavesOutTheMiddleOfWhatIsTooLongForOneWrite) {
    EXPECT_EQ(one_line(std::string(message_limit, 'p')), std::string(message_limit, 'p'));
    for (const std::string& piece : {std::string("p"), std::string("\"\\"), std::string("\xe2\x82\xac"),
                                     std::string("\xc3\xa9\""), std::string("\xff")}) {
        std::string text("first ");
        while (text.size() < 2 * message_limit) text.append(piece);
        const std::string line = one_line(text + " last");
        EXPECT_TRUE(line.starts_with("first ") && line.ends_with(" last")) << line;
        EXPECT_NE(line.find(" ... "), std::string::npos);
        EXPECT_GT(line.size(), message_limit / 2 - 8);
        EXPECT_EQ(one_line(line), line) << "a sequence was cut apart, or the limit was missed";
        for (const Format format : {Format::text, Format::json})
            EXPECT_LE(log_line(format, Level::warning, text, moment).size(), 4096U);
    }
}

TEST(Error, GoesToStderrAndToTheLogInTheSameWords) {
    const TemporaryDirectory directory;
    Options options;
    options.global.log = directory / "log";
    options.global.log_format = "json";
    const Log log = open_log(options).value();
    const std::string seen = captured(STDERR_FILENO, [&] { log.error(trouble); });
    EXPECT_EQ(seen, trouble.text + "\n");
    EXPECT_EQ(nlohmann::json::parse(text_of(*options.global.log))["msg"], trouble.text);
}

TEST(Error, WithoutALogIsOneLineOnStderr) {
    EXPECT_EQ(captured(STDERR_FILENO, [] { Log{}.error(trouble); }), trouble.text + "\n");
    const Log json{{}, Format::json, Level::warning};
    const auto object = nlohmann::json::parse(captured(STDERR_FILENO, [&] { json.error(trouble); }));
    EXPECT_EQ(object["msg"], trouble.text);
}

TEST(Error, SurvivesDescriptorsThatTakeNothing) {
    const int read_only = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    with_descriptor(STDERR_FILENO, read_only, [] { Log{}.error(trouble); });
    EXPECT_TRUE(write_out(read_only, "x")) << "a caller that opens it read-only wants no output";
    ::close(read_only);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ::close(ends[0]);
    with_descriptor(STDERR_FILENO, ends[1], [] { Log{}.error(trouble); });  // would end in SIGPIPE
    EXPECT_EQ(write_out(ends[1], "x").error().err, EPIPE);
    ::close(ends[1]);
}

// What `act` shows on a terminal.
template <class Act>
std::string on_terminal(Act act) {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::unlockpt(master);
    const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    with_descriptor(STDERR_FILENO, slave, act);
    std::array<char, 4096> shown{};
    ::fcntl(master, F_SETFL, O_NONBLOCK);
    const ssize_t count = ::read(master, shown.data(), shown.size());
    ::close(slave);
    ::close(master);
    return {shown.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

TEST(Warnings, GoToTheLogOrElseToATerminal) {
    const TemporaryDirectory directory;
    Options options;
    options.global.log = "file:" + (directory / "log");
    const Log log = open_log(options).value();
    EXPECT_EQ(captured(STDERR_FILENO, [&] { log.warnings({"one", "two"}); }), "");
    EXPECT_NE(text_of(directory / "log").find("level=warning msg=\"two\"\n"), std::string::npos);
    EXPECT_EQ(captured(STDERR_FILENO, [] { Log{}.warnings({"one"}); }), "");
    const Log quiet{{}, Format::text, Level::error};
    EXPECT_NE(on_terminal([] { Log{}.warnings({"one"}); }).find("level=warning msg=\"one\""),
              std::string::npos);
    EXPECT_EQ(on_terminal([&] { quiet.warnings({"one"}); }), "");
}

TEST(Debug, GoesToTheLogOnlyAndOnlyIfAskedFor) {
    const TemporaryDirectory directory;
    Options options;
    options.global.log = directory / "log";
    open_log(options)->debug("hidden");
    EXPECT_EQ(text_of(*options.global.log), "");
    options.global.debug = true;
    EXPECT_EQ(captured(STDERR_FILENO, [&] { open_log(options)->debug("seen"); }), "");
    EXPECT_NE(text_of(*options.global.log).find("level=debug msg=\"seen\""), std::string::npos);
}

TEST(OpenLog, AppendsAndFollowsNoLink) {
    const TemporaryDirectory directory;
    Options options;
    options.global.log = directory / "log";
    open_log(options)->error(trouble);
    open_log(options)->error(trouble);
    EXPECT_EQ(split(text_of(*options.global.log), '\n').size(), 3U);
    struct stat status {};
    ASSERT_EQ(::stat(options.global.log->c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777 & ~0644U, 0U);
    ASSERT_EQ(::symlink(options.global.log->c_str(), (directory / "link").c_str()), 0);
    options.global.log = directory / "link";
    EXPECT_EQ(open_log(options).error().err, ELOOP);
    options.global.log = directory / "missing/log";
    EXPECT_TRUE(open_log(options).error().text.ends_with("no such file or directory"));
    options.global.log = "journald:x";
    EXPECT_FALSE(open_log(options)->file);
    EXPECT_EQ(open_log(options)->service->id, "x");
    options.global.log = "/dev/stderr";
    EXPECT_FALSE(open_log(options)->file);
}

}  // namespace
}  // namespace bulkhead::cli
