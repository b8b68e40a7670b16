// SPDX-License-Identifier: Apache-2.0
#include "cli/defaults.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/text.hpp"

namespace bulkhead::cli {
namespace {

Defaults read(std::string_view text) { return parse_defaults(text, "b.yaml").value(); }

std::string error_of(std::string_view text) {
    const auto read = parse_defaults(text, "b.yaml");
    return read ? "" : read.error().text;
}

constexpr std::string_view whole = R"(log: /var/log/bulkhead.log
log-format: json
log-level: debug
cgroup-manager: systemd
overlay-from: [/var/lib/layers, /srv]
overlay-upper-from: [/var/lib/uppers]
spec:
  hostname: box
  terminal: false
  noNewPrivileges: false
  readonly: false
  env: [A=1, B=]
  capabilities: [CAP_KILL]
  rlimits: {RLIMIT_NOFILE: 65536, RLIMIT_CORE: unlimited}
  seccomp: default
)";

TEST(ParseDefaults, ReadsEveryKey) {
    const Defaults all = read(whole);
    EXPECT_EQ(all.file, "b.yaml");
    EXPECT_EQ(all.log + ' ' + all.log_format + ' ' + all.log_level, "/var/log/bulkhead.log json debug");
    EXPECT_EQ(all.cgroup_manager, "systemd");
    EXPECT_EQ(*all.overlay_from, (std::vector<std::string>{"/var/lib/layers", "/srv"}));
    EXPECT_EQ(*all.overlay_upper_from, std::vector<std::string>{"/var/lib/uppers"});
    EXPECT_EQ(all.seccomp, "default");
    EXPECT_EQ(all.spec.hostname, "box");
    EXPECT_EQ(all.spec.terminal, false);
    EXPECT_EQ(all.spec.no_new_privileges, false);
    EXPECT_EQ(all.spec.readonly, false);
    EXPECT_EQ(all.spec.env, (std::vector<std::string>{"A=1", "B="}));
    EXPECT_EQ(all.spec.capabilities, std::vector<std::string>{"CAP_KILL"});
    EXPECT_EQ(all.spec.rlimits,
              (std::vector<spec::ChosenLimit>{{"RLIMIT_NOFILE", 65536}, {"RLIMIT_CORE", RLIM_INFINITY}}));
}

TEST(ParseDefaults, TakesAFileThatSaysNothing) {
    for (const std::string_view text : {"", "# log: /x\n", "{}", "---\n"}) {
        const Defaults none = read(text);
        EXPECT_TRUE(none.log.empty() && none.cgroup_manager.empty() && !none.overlay_from) << text;
    }
    EXPECT_TRUE(read("overlay-from: []").overlay_from->empty());
    EXPECT_FALSE(read("overlay-from: [/a]").overlay_upper_from) << "one grant is not the other";
}

TEST(ParseDefaults, RefusesAtThePlaceOfTheMistake) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"log-levle: debug", R"(b.yaml:1:1: unknown key "log-levle"; did you mean log-level?)"},
        {"memory: 1", R"(b.yaml:1:1: unknown key "memory")"},
        {"spec:\n  host: x", R"(b.yaml:2:3: unknown key "host")"},
        {"spec: {log: /x}", R"(b.yaml:1:8: unknown key "log")"},
        {"log: /x\nlog-format: xml", R"(b.yaml:2:13: log-format: "xml": must be one of text|json)"},
        {"log: x", R"(b.yaml:1:6: log: "x": must be an absolute path, journald:ID or syslog:ID)"},
        {"log-level: debug", "b.yaml:1:1: log-level: needs log beside it, of which it speaks"},
        {"log: [a]", "b.yaml:1:6: log: must be a text"},
        {"log:", "b.yaml:1:5: log: must be a text"},
        {"log: ''", "b.yaml:1:6: log: is empty"},
        {"cgroup-manager: disabled",
         R"(b.yaml:1:17: cgroup-manager: "disabled": must be one of cgroupfs|systemd)"},
        {"systemd-cgroup: true",
         "b.yaml:1:1: systemd-cgroup: is no key; cgroup-manager: systemd says the same"},
        {"overlay-from: /a", "b.yaml:1:15: overlay-from: must be a list"},
        {"overlay-from:\n- /a\n- b", R"(b.yaml:3:3: overlay-from: "b": must be an absolute path without ..)"},
        {"overlay-from: [/a/../b]",
         R"(b.yaml:1:16: overlay-from: "/a/../b": must be an absolute path without ..)"},
        {"overlay-upper-from: [u]",
         R"(b.yaml:1:22: overlay-upper-from: "u": must be an absolute path without ..)"},
        {"spec: 1", "b.yaml:1:7: spec: must be a map"},
        {"spec: {terminal: yes}", "b.yaml:1:18: terminal: must be true or false"},
        {"spec: {terminal: 'true'}", "b.yaml:1:18: terminal: must be true or false"},
        {"spec: {env: [A]}", R"(b.yaml:1:14: env: "A": must be NAME=VALUE)"},
        {"spec: {capabilities: [CAP_X]}", R"(b.yaml:1:23: capabilities: "CAP_X": is no capability)"},
        {"spec: {rlimits: {NOFILE: 1}}", R"(b.yaml:1:18: rlimits: "NOFILE": is no resource limit)"},
        {"spec: {rlimits: {RLIMIT_CORE: -1}}",
         R"(b.yaml:1:31: RLIMIT_CORE: "-1": must be a number or unlimited)"},
        {"- log", "b.yaml:1:1: must be a map"},
    };
    for (const auto& [text, message] : cases) EXPECT_EQ(error_of(text), message) << text;
}

TEST(ParseDefaults, SaysWhyThereIsNoStateRoot) {
    const std::string message = error_of("root: /run/x");
    EXPECT_TRUE(message.starts_with("b.yaml:1:1: root: the state root cannot be set here")) << message;
}

// Whatever becomes of a file on its way: an answer, and an error that names a place.
TEST(ParseDefaults, AnswersToEveryDamagedFile) {
    const std::string text(whole);
    for (std::size_t at = 0; at < text.size(); ++at) {
        EXPECT_NO_FATAL_FAILURE((void)parse_defaults(text.substr(0, at), "b.yaml"));
        for (const char letter : {'\0', '\xff', ':', '[', '}', '&', '*', '!', '\t', '"', '-', ' '}) {
            std::string damaged = text;
            damaged[at] = letter;
            if (const std::string message = error_of(damaged); !message.empty()) {
                EXPECT_TRUE(message.starts_with("b.yaml:")) << message;
            }
        }
    }
}

}  // namespace
}  // namespace bulkhead::cli
