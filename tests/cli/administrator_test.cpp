// SPDX-License-Identifier: Apache-2.0
#include "cli/administrator.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "support.hpp"

namespace bulkhead::cli {
namespace {

TEST(DefaultsFile, IsRootsOrTheCallersOwn) {
    Caller caller{.is_root = true, .config_directory = "/c", .home = "/h"};
    EXPECT_EQ(defaults_file(caller), "/etc/bulkhead/bulkhead.yaml");
    caller.in_user_namespace = true;
    EXPECT_EQ(defaults_file(caller), "/c/bulkhead/bulkhead.yaml");
    caller.is_root = caller.in_user_namespace = false;
    EXPECT_EQ(defaults_file(caller), "/c/bulkhead/bulkhead.yaml");
    caller.config_directory = "relative";
    EXPECT_EQ(defaults_file(caller), "/h/.config/bulkhead/bulkhead.yaml");
    caller.home = "";
    EXPECT_EQ(defaults_file(caller), "");
}

const Caller self{.is_root = ::geteuid() == 0};

std::string trouble_with(const std::string& path) {
    const auto read = read_defaults(path, self);
    return read ? "" : read.error().text.substr(path.size());
}

void write(const std::string& path, const std::string& text, mode_t mode = 0644) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
}

TEST(ReadDefaults, IsNothingWhereThereIsNoFile) {
    const TemporaryDirectory place;
    write(place / "file", "");
    for (const std::string& path : {std::string(), place / "none", place / "no/such", place / "file/below"})
        EXPECT_TRUE(read_defaults(path, self).value().file.empty()) << path;
}

TEST(ReadDefaults, TakesARegularFileThatNobodyElseCanWrite) {
    const TemporaryDirectory place;
    const std::string path = place / "b.yaml";
    write(path, "cgroup-manager: systemd\n", 0644);
    EXPECT_EQ(read_defaults(path, self)->cgroup_manager, "systemd");
    write(path, "root: /x\n", 0600);
    EXPECT_TRUE(trouble_with(path).starts_with(":1:1: root: "));
    for (const mode_t mode : {0664U, 0646U}) {
        write(path, "", mode);
        EXPECT_TRUE(trouble_with(path).starts_with(": may be written by others than its owner (mode 6"));
    }
    write(path, std::string((256U << 10) + 1, '#'));
    EXPECT_EQ(trouble_with(path), ": larger than 262144 bytes");
}

TEST(ReadDefaults, RefusesWhatIsNoRegularFile) {
    const TemporaryDirectory place;
    write(place / "b.yaml", "");
    ASSERT_EQ(::symlink("b.yaml", (place / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((place / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(trouble_with(place / "link"), ": is a symbolic link, which is not followed here");
    EXPECT_EQ(trouble_with(place / "fifo"), ": not a regular file");
    EXPECT_NE(read_defaults(place / "", self).error().text.find("is a directory"), std::string::npos);
}

TEST(OpenLog, OfTheFileIsBesideStderr) {
    const TemporaryDirectory place;
    Options options;
    options.defaults = {.file = "f", .log = place / "log", .log_format = "json", .log_level = "error"};
    const Error trouble{Kind::usage, 0, "no"};
    EXPECT_EQ(captured(STDERR_FILENO, [&] { open_log(options)->error(trouble); }), "no\n");
    EXPECT_EQ(nlohmann::json::parse(text_of(place / "log"))["msg"], "no");
    open_log(options)->warnings({"quiet"});
    EXPECT_EQ(text_of(place / "log").find("quiet"), std::string::npos);
    options.global.log_level = "warning";
    open_log(options)->warnings({"asked for"});
    EXPECT_NE(text_of(place / "log").find("asked for"), std::string::npos);
    // A caller that reads JSON on stderr goes on doing so.
    options.global.log_format = "json";
    const std::string shown = captured(STDERR_FILENO, [&] { open_log(options)->error(trouble); });
    EXPECT_EQ(nlohmann::json::parse(shown)["msg"], "no");
}

TEST(OpenLog, OfTheFileDoesNotCountBesideTheFlag) {
    const TemporaryDirectory place;
    Options options;
    options.global.log = place / "asked";
    options.defaults = {.log = place / "log", .log_format = "json", .log_level = "debug"};
    const Log log = open_log(options).value();
    EXPECT_FALSE(log.beside);
    EXPECT_EQ(log.format, Format::text);
    EXPECT_EQ(log.level, Level::warning);
    EXPECT_NE(::access((place / "log").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace bulkhead::cli
