// SPDX-License-Identifier: Apache-2.0
// The order of a further process's birth, as facts.
#include <linux/sched.h>

#include "runtime/compile/compile.hpp"
#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

using test::at;
using test::expect_order;
using test::has;
using test::Lines;

constexpr std::uint64_t own_pids = CLONE_NEWPID | CLONE_NEWNS;

ExecOptions options(std::uint64_t namespaces = own_pids) {
    ExecOptions options;
    options.namespaces = namespaces;
    return options;
}

Lines lines(const ExecOptions& wish, const std::string& patch = "{}") {
    const plan::HostFacts host{.last_capability = 40};
    const auto timeline = compile_exec(wish, test::spec_with(patch), host);
    return timeline ? test::lines_of(*timeline) : Lines{timeline.error().text};
}

// The rule that exec exists for (CVE-2016-9962).
TEST(Exec, HasGivenUpEverythingBeforeTheContainerCanSeeIt) {
    expect_order(
        lines(options()),
        {"find_init",     "find_cgroup",      "spawn",           "mark_descriptors",  "reset_signals",
         "join_keyring",  "join_container",   "enter_directory", "limit_bounding",    "set_groups",
         "set_ids",       "set_capabilities", "set_umask",       "close_descriptors", "respawn",
         "start_session", "await_go",         "find_program",    "report_execution",  "execute"});
}

TEST(Exec, LoadsTheFilterLast) {
    ExecOptions wish = options();
    wish.filter = seccomp::Program{.instructions = {sock_filter{}}};
    const Lines all = lines(wish, R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}})");
    expect_order(all, {"respawn", "report_execution", "load_seccomp", "execute"});
    EXPECT_EQ(at(all, "load_seccomp") + 1, at(all, "execute"));
}

TEST(Exec, WithNothingToTellSendsTheGoAtOnce) {
    const Lines all = lines(options(CLONE_NEWNS));
    EXPECT_EQ(at(all, "spawn") + 1, at(all, "release_container"));
    EXPECT_EQ(at(all, "spawn") + 2, at(all, "send_go"));
}

TEST(Exec, IsInTheContainersGroupOfResctrlBeforeItsProgramRuns) {
    ExecOptions wish = options();
    wish.rdt = plan::JoinRdtGroup{"/r", "/r/box", "/r/box/mon_groups/box"};
    expect_order(lines(wish), {"await_respawn", "join_rdt_group", "send_go", "await_go", "execute"});
    wish.namespaces = CLONE_NEWNS;
    expect_order(lines(wish), {"spawn", "join_rdt_group", "send_go", "await_go", "execute"});
    State state;
    EXPECT_FALSE(rdt_entry(state));
    state.rdt = {.mount = "/r", .path = "/r/box", .monitoring = "/r/box/mon_groups/box"};
    EXPECT_EQ(rdt_entry(state)->monitoring, "/r/box/mon_groups/box");
}

TEST(Exec, PermitsNothingToACopyThatItDoesNotKnow) {
    expect_order(lines(options()), {"respawn", "await_respawn", "send_go", "await_go"});
}

TEST(Exec, TellsWhoeverListensBeforeTheProgramMayRunAndTheFileBehindThat) {
    ExecOptions wish = options();
    wish.pid_file = "/run/pid";
    wish.pidfd_socket = "/run/pidfd";
    const Lines all = lines(wish, R"({"process": {"oomScoreAdj": 5}})");
    expect_order(all, {"await_respawn", "set_oom_score", "send_pidfd", "send_go", "await_go", "find_program",
                       "await_execution", "write_pid_file"});
    EXPECT_EQ(all[at(all, "send_pidfd")], "host send_pidfd setns to /run/pidfd");
}

TEST(Exec, SendsTheTerminalOfTheContainer) {
    ExecOptions wish = options();
    wish.console_socket = "/run/console";
    const Lines all =
        lines(wish, R"({"process": {"terminal": true, "consoleSize": {"height": 5, "width": 6}}})");
    expect_order(all, {"spawn", "release_container", "join_container", "open_terminal", "respawn",
                       "connect_console", "send_console", "send_go", "start_session", "claim_terminal"});
    EXPECT_EQ(all[at(all, "open_terminal")],
              "init open_terminal owner 0, 5 rows, 6 columns (/process/terminal)");
    EXPECT_FALSE(has(all, "replace_null"));
}

TEST(Exec, InTheHostsPidNamespaceIsOneProcess) {
    const Lines all = lines(options(CLONE_NEWNS));
    EXPECT_FALSE(has(all, "respawn"));
    EXPECT_FALSE(has(all, "await_respawn"));
    expect_order(all, {"set_capabilities", "close_descriptors", "start_session", "await_go", "execute"});
}

TEST(Exec, InAUserNamespaceDropsGroupsOutsideAndTakesIdsInside) {
    const Lines all =
        lines(options(own_pids | CLONE_NEWUSER),
              R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "user"}],
                  "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
                  "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}]}})");
    expect_order(all, {"set_groups", "join_container", "assume_ids", "set_ids"});
    EXPECT_FALSE(has(lines(options()), "assume_ids"));
}

TEST(Exec, KeepsWhatItWasToldToKeep) {
    ExecOptions wish = options();
    wish.preserve_fds = 2;
    wish.new_keyring = false;
    const Lines all = lines(wish);
    EXPECT_EQ(all[at(all, "mark_descriptors")], "init mark_descriptors 5 and up: close-on-exec");
    EXPECT_EQ(all[at(all, "close_descriptors")], "init close_descriptors 5 and up");
    EXPECT_FALSE(has(all, "join_keyring"));
}

TEST(Exec, WithoutACgroupLooksForNone) {
    ExecOptions wish = options();
    wish.has_cgroup = false;
    EXPECT_FALSE(has(lines(wish), "find_cgroup"));
}

TEST(Exec, StartsOnTheCpusThatItIsGiven) {
    const auto spec = test::spec_with(R"({"process": {"execCPUAffinity": {"initial": "1", "final": "0"}}})");
    const auto timeline = compile_exec(options(), spec, {.last_capability = 40});
    ASSERT_TRUE(timeline);
    std::vector<std::uint32_t> cpus;
    for (const plan::Step& step : timeline->steps()) {
        const auto* host = std::get_if<plan::HostOp>(&step.op);
        if (host != nullptr && std::holds_alternative<plan::Spawn>(*host))
            cpus = std::get<plan::Spawn>(*host).cpus;
    }
    EXPECT_EQ(cpus, (std::vector<std::uint32_t>{2, 0}));
    const Lines all = test::lines_of(*timeline);
    EXPECT_EQ(all[at(all, "set_affinity")], "init set_affinity to 0x1,0 (/process/execCPUAffinity/final)");
}

TEST(Exec, RefusesAnImpossibleListOfCpus) {
    EXPECT_EQ(lines(options(), R"({"process": {"execCPUAffinity": {"initial": "9000"}}})"),
              Lines{"config.json: /process/execCPUAffinity/initial: \"9000\": must be a list of CPUs such as "
                    "0-3,7"});
}

}  // namespace
}  // namespace bulkhead::runtime
