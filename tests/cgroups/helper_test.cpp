// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/helper.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/sys.hpp"

namespace bulkhead::cgroups {
namespace {

// A shell script as a helper; removed at the end.
class Script {
  public:
    explicit Script(std::string_view body) {
        const std::string text = cat("#!/bin/sh\n", body, "\n");
        EXPECT_TRUE(replace_file_at(sys::here, path, text, 0700));
    }
    ~Script() { ::unlink(path.c_str()); }
    std::string path = cat("/tmp/bh-test-helper-", ::getpid());
};

TEST(Helper, AnswersWithoutTheNewline) {
    EXPECT_EQ(ask_helper(Script("echo \"$1 ok\"").path, "what").value(), "what ok");
}

TEST(Helper, HasNoEnvironmentNoInputAndNoDescriptorOfOurs) {
    const Script script(
        "exec /bin/sh -c '/usr/bin/env -u PWD -u _ -u OLDPWD -u SHLVL; cat; ls -m /proc/self/fd'");
    const int leaked = ::open("/", O_RDONLY);  // NOLINT: not close-on-exec, as a preserved descriptor is
    EXPECT_EQ(ask_helper(script.path, "x").value(), "0, 1, 2, 3") << "3 is that of ls itself";
    ::close(leaked);
}

TEST(Helper, IsKilledAtTheDeadline) {
    const Script script("exec sleep 60");
    const auto begin = sys::monotonic_ns();
    const auto answer = ask_helper(script.path, "x", 50);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().text, script.path + " x: no answer within 50 ms");
    EXPECT_LT(sys::monotonic_ns() - begin, 5'000'000'000u);
}

TEST(Helper, MayNotTalkForEver) {
    EXPECT_FALSE(ask_helper(Script("head -c 70000 /dev/zero").path, "x"));
    EXPECT_TRUE(ask_helper(Script("head -c 65536 /dev/zero").path, "x"));
}

TEST(Helper, ThatFailsIsQuotedSafely) {
    const Script script("printf 'no \\033[2J luck\\n' >&2; exit 1");
    EXPECT_EQ(ask_helper(script.path, "x").error().text, script.path + " x: no \\x1b[2J luck");
    EXPECT_EQ(ask_helper(Script("kill -9 $$").path, "x").error().text, script.path + " x: exit status 137");
}

TEST(Helper, MustBeAnAbsolutePathOfAProgram) {
    EXPECT_FALSE(ask_helper("sh", "x"));
    EXPECT_EQ(ask_helper("/nowhere/helper", "x").error().kind, Kind::not_found);
}

TEST(HostHelper, RefusesWhatItDoesNotKnow) {
    const auto answer = ask_helper(BULKHEAD_HELPER_PATH, "no-such-request");
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().text.find("usage: host-helper cgroup2-mount"), std::string::npos);
}

}  // namespace
}  // namespace bulkhead::cgroups
