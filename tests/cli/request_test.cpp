// SPDX-License-Identifier: Apache-2.0
#include "cli/request.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "cli/command_line.hpp"

namespace bulkhead::cli {
namespace {

struct SignalCase {
    std::string_view word;
    int expected;  // -1: refused
};

TEST(ParseSignal, TakesWhatRuncTakes) {
    for (const SignalCase& c : {
             SignalCase{"0", 0}, {"9", 9},        {"15", 15},         {"37", 37},         {"64", 64},
             {"65", -1},         {"-9", -1},      {"", -1},           {"KILL", 9},        {"kill", 9},
             {"SIGKILL", 9},     {"sigkill", 9},  {"SigTerm", 15},    {"TERM", 15},       {"HUP", 1},
             {"WINCH", 28},      {"IO", 29},      {"SIGIO", 29},      {"SYS", 31},        {"STKFLT", 16},
             {"USR1", 10},       {"RTMIN+3", -1}, {"SIG", -1},        {"SIGSIGKILL", -1}, {"FOO", -1},
             {"9 ", -1},         {"KILL\n", -1},  {"4294967305", -1},
         })
        EXPECT_EQ(parse_signal(c.word).value_or(-1), c.expected) << c.word;
    EXPECT_EQ(parse_signal("FOO").error().text, "unknown signal \"FOO\"");
}

TEST(ParseFault, TakesAStepAndAnAction) {
    EXPECT_EQ(parse_fault("").value().step, -1);
    EXPECT_EQ(parse_fault("7:EPERM").value().step, 7);
    EXPECT_EQ(parse_fault("7:EPERM").value().action, EPERM);
    EXPECT_EQ(parse_fault("0:ENOSYS").value().action, ENOSYS);
    EXPECT_EQ(parse_fault("12:ENOMEM").value().action, ENOMEM);
    EXPECT_EQ(parse_fault("12:kill").value().action, plan::Fault::killed);
    for (const char* wrong : {"7", "7:", ":EPERM", "x:EPERM", "-1:EPERM", "7:EIO", "7:EPERM:kill"})
        EXPECT_EQ(parse_fault(wrong).error().kind, Kind::usage) << wrong;
}

TEST(ParseDirectories, TakesAbsolutePaths) {
    const auto read = [](std::string_view list) { return parse_directories("--overlay-from", list); };
    EXPECT_TRUE(read("").value().empty());
    EXPECT_EQ(read("/a").value(), std::vector<std::string>{"/a"});
    EXPECT_EQ(read("/a:/b/c").value(), (std::vector<std::string>{"/a", "/b/c"}));
    for (const char* list : {"a", "/a:", ":/a", "/a:b", "/a/../b", "/..", "."})
        EXPECT_EQ(read(list).error().kind, Kind::usage) << list;
    EXPECT_EQ(read("/a:b").error().text,
              "--overlay-from \"/a:b\": \"b\": must be an absolute path without ..");
}

Options read(const std::vector<const char*>& words) { return parse_command_line(words).options; }

// Of a command line with run.
Result<runtime::CreateRequest> run_of(const Options& options, const Caller& caller = {}) {
    return run_request(options, std::get<RunFlags>(options.verb), "ID", caller);
}

TEST(CreateRequest, CarriesEveryOption) {
    const std::vector<const char*> words{"run",
                                         "--bundle=B",
                                         "--pid-file=P",
                                         "--console-socket=S",
                                         "--pidfd-socket=D",
                                         "--trace=T",
                                         "--keep",
                                         "--no-pivot",
                                         "--no-new-keyring",
                                         "--preserve-fds=4",
                                         "--overlay-from=/l:/m",
                                         "--overlay-upper-from=/u",
                                         "--no-subreaper",
                                         "--fault=3:kill",
                                         "--detach",
                                         "ID"};
    const runtime::CreateRequest request =
        run_of(read(words), {.listen_fds = 2, .listen_names = "a:b", .notify_socket = "@n"}).value();
    EXPECT_EQ(request.id, "ID");
    EXPECT_EQ(request.bundle, "B");
    EXPECT_EQ(request.pid_file, "P");
    EXPECT_EQ(request.console_socket, "S");
    EXPECT_EQ(request.pidfd_socket, "D");
    EXPECT_EQ(request.trace_file, "T");
    EXPECT_EQ(request.preserve_fds, 4U);
    EXPECT_EQ(request.listen_fds, 2U);
    EXPECT_EQ(request.listen_names, "a:b");
    EXPECT_EQ(request.notify_socket, "@n");
    EXPECT_EQ(request.overlay_grants, (rootfs::OverlayGrants{{"/l", "/m"}, {"/u"}}));
    EXPECT_TRUE(request.keep && request.no_pivot && request.no_new_keyring);
    EXPECT_TRUE(request.no_subreaper && request.detach);
    EXPECT_EQ(request.fault.step, 3);
}

TEST(CreateRequest, TakesEachGrantFromTheFlagOrElseFromTheFile) {
    const auto grants = [](std::vector<const char*> words) {
        words.insert(words.begin(), "create");
        Options options = read(words);
        options.defaults.overlay_from = {"/fl"};
        options.defaults.overlay_upper_from = {"/fu"};
        return create_request(options, std::get<CreateFlags>(options.verb), "ID", {}).value().overlay_grants;
    };
    EXPECT_EQ(grants({"ID"}), (rootfs::OverlayGrants{{"/fl"}, {"/fu"}}));
    EXPECT_EQ(grants({"--overlay-from=/l", "ID"}), (rootfs::OverlayGrants{{"/l"}, {"/fu"}}));
    EXPECT_EQ(grants({"--overlay-upper-from=/u", "ID"}), (rootfs::OverlayGrants{{"/fl"}, {"/u"}}));
    EXPECT_EQ(grants({"--overlay-from=", "--overlay-upper-from=", "ID"}), rootfs::OverlayGrants{});
}

TEST(CreateRequest, NamesTheFlagOfAWrongDirectory) {
    const std::vector<const char*> words{"run", "--overlay-upper-from=u", "ID"};
    EXPECT_EQ(run_of(read(words)).error().text,
              "--overlay-upper-from \"u\": \"u\": must be an absolute path without ..");
}

TEST(ExecRequest, CarriesEveryOption) {
    const std::vector<const char*> words{"exec",
                                         "--process=F",
                                         "--pid-file=P",
                                         "--tty",
                                         "--cwd=/d",
                                         "--console-socket=S",
                                         "-e=A=1",
                                         "-e=B=2",
                                         "--pidfd-socket=D",
                                         "-u=1:2",
                                         "-g=3",
                                         "-g=4",
                                         "-c=CAP_KILL",
                                         "--detach",
                                         "--no-new-privs=false",
                                         "--cgroup=g",
                                         "--trace=T",
                                         "--process-label=L",
                                         "--apparmor=",
                                         "--apparmor=A",
                                         "--preserve-fds=4",
                                         "--fault=3:kill",
                                         "--ignore-paused",
                                         "ID",
                                         "prog",
                                         "-x",
                                         "--"};
    const CommandLine line = parse_command_line(words);
    const runtime::ExecRequest request =
        exec_request(std::get<ExecFlags>(line.options.verb), line.operands).value();
    using Words = std::vector<std::string>;
    EXPECT_EQ(request.id, "ID");
    EXPECT_EQ(request.process_file, "F");
    EXPECT_EQ(request.pid_file, "P");
    EXPECT_EQ(request.console_socket, "S");
    EXPECT_EQ(request.pidfd_socket, "D");
    EXPECT_EQ(request.trace_file, "T");
    EXPECT_EQ(request.cgroup, "g");
    EXPECT_EQ(request.preserve_fds, 4U);
    EXPECT_TRUE(request.detach && request.ignore_paused);
    EXPECT_EQ(request.changes.args, (Words{"prog", "-x", "--"}));
    EXPECT_TRUE(request.changes.terminal);
    EXPECT_EQ(request.changes.cwd, "/d");
    EXPECT_EQ(request.changes.env, (Words{"A=1", "B=2"}));
    EXPECT_EQ(request.changes.user, "1:2");
    EXPECT_EQ(request.changes.additional_gids, (Words{"3", "4"}));
    EXPECT_EQ(request.changes.capabilities, Words{"CAP_KILL"});
    EXPECT_EQ(request.changes.no_new_privileges, false);
    EXPECT_EQ(request.changes.process_label, "L");
    EXPECT_EQ(request.changes.apparmor, "A");
    EXPECT_EQ(request.fault.step, 3);
}

TEST(ExecRequest, IsPlainByDefault) {
    const runtime::ExecRequest request = exec_request({}, {"ID"}).value();
    EXPECT_TRUE(request.changes.args.empty());
    EXPECT_FALSE(request.changes.terminal || request.detach || request.ignore_paused);
    EXPECT_EQ(request.changes.no_new_privileges, std::nullopt);
    EXPECT_EQ(request.fault.step, -1);
}

TEST(ExecRequest, RefusesWrongValues) {
    const auto refused = [](const std::vector<const char*>& words) {
        return exec_request(std::get<ExecFlags>(read(words).verb), {"ID"}).error();
    };
    EXPECT_EQ(refused({"exec", "--fault", "x", "ID"}).kind, Kind::usage);
    EXPECT_EQ(refused({"exec", "--user", "", "ID"}).text, "--user: is empty; must be UID or UID:GID");
    EXPECT_EQ(refused({"exec", "--cgroup", "cpu:a", "ID"}).kind, Kind::usage);
}

TEST(ParseCgroup, TakesOnePath) {
    EXPECT_EQ(parse_cgroup({}).value(), "");
    EXPECT_EQ(parse_cgroup({"a/b"}).value(), "a/b");
    EXPECT_EQ(
        parse_cgroup({"cpu:a"}).error().text,
        "invalid --cgroup argument: cpu:a (no controller \"cpu\": cgroup v2 has one hierarchy for all)");
    EXPECT_EQ(parse_cgroup({"a", "b"}).error().text,
              "invalid --cgroup argument: b (cgroup v2 has one hierarchy, so a process has one cgroup)");
}

TEST(CreateRequest, SaysWhatMayHappenWithoutACgroup) {
    const auto request = [](const std::vector<const char*>& words) { return run_of(read(words)).value(); };
    EXPECT_EQ(request({"run", "ID"}).rootless, std::nullopt);
    EXPECT_EQ(request({"--rootless", "auto", "run", "ID"}).rootless, std::nullopt);
    EXPECT_EQ(request({"--rootless", "true", "run", "ID"}).rootless, true);
    EXPECT_EQ(request({"--rootless", "false", "run", "ID"}).rootless, false);
    EXPECT_FALSE(request({"run", "ID"}).no_cgroup);
    EXPECT_TRUE(request({"--cgroup-manager", "disabled", "run", "ID"}).no_cgroup);
}

TEST(CreateRequest, SaysWhoMakesTheCgroup) {
    const auto request = [](const std::vector<const char*>& words) { return run_of(read(words)); };
    EXPECT_FALSE(request({"run", "ID"})->systemd);
    EXPECT_FALSE(request({"--cgroup-manager=cgroupfs", "run", "ID"})->systemd);
    EXPECT_FALSE(request({"--cgroup-manager=disabled", "run", "ID"})->systemd);
    EXPECT_TRUE(request({"--cgroup-manager=systemd", "run", "ID"})->systemd);
    EXPECT_TRUE(request({"--systemd-cgroup", "run", "ID"})->systemd);
    EXPECT_TRUE(request({"--systemd-cgroup", "--systemd-cgroup", "run", "ID"})->systemd);
    EXPECT_EQ(request({"--systemd-cgroup", "--cgroup-manager=disabled", "run", "ID"}).error().kind,
              Kind::usage);
}

TEST(CreateRequest, KnowsTheBusesOfTheCaller) {
    const Caller caller{.runtime_directory = "/r", .system_bus = "a", .session_bus = "b"};
    const auto made = create_request({}, {}, "ID", caller).value();
    EXPECT_EQ(made.buses.system_bus, "a");
    EXPECT_EQ(made.buses.session_bus, "b");
    EXPECT_EQ(made.buses.runtime_directory, "/r");
}

}  // namespace
}  // namespace bulkhead::cli
