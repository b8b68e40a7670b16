// SPDX-License-Identifier: Apache-2.0
#include "process/plan.hpp"

#include "support/planning.hpp"

namespace bulkhead::process {
namespace {

using test::Lines;

constexpr plan::HostFacts host{.last_capability = 40};

Lines credentials(const std::string& patch, const plan::HostFacts& facts = host) {
    const spec::ValidSpec spec = test::spec_with(patch);
    return test::init_lines([&](plan::TimelineBuilder& timeline) {
        const auto planned = plan_credentials(timeline, spec, facts, {});
        EXPECT_TRUE(planned);
    });
}

Lines surroundings(const std::string& patch) {
    const spec::ValidSpec spec = test::spec_with(patch);
    return test::init_lines([&](plan::TimelineBuilder& timeline) { plan_environment(timeline, spec); });
}

std::string refusal(const std::string& patch, const plan::HostFacts& facts = host) {
    plan::TimelineBuilder timeline;
    const auto planned = plan_credentials(timeline, test::spec_with(patch), facts, {});
    return planned ? "none" : planned.error().text;
}

plan::Timeline search(const std::string& patch) {
    const spec::ValidSpec spec = test::spec_with(patch);
    plan::TimelineBuilder timeline;
    timeline.host(plan::Spawn{0});
    const ProcessEnvironment found = plan_environment(timeline, spec);
    const plan::Execute execute = plan_search(timeline, spec, found);
    timeline.init(execute);
    return test::finished(std::move(timeline));
}

TEST(HookSurroundings, AreTheDirectoryAndTheLimitsOfTheProcess) {
    const spec::ValidSpec spec = test::spec_with(R"({"process": {"cwd": "/work", "env": ["PATH=/bin"],
                                 "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 3, "hard": 4}]}})");
    EXPECT_EQ(
        test::init_lines([&](plan::TimelineBuilder& timeline) { plan_hook_environment(timeline, spec); }),
        (test::Lines{"init enter_directory /work (/process/cwd)",
                     "init set_rlimit RLIMIT_NOFILE soft 3 hard 4 (/process/rlimits/0)"}));
}

TEST(ProcessEnvironment, AreDirectoryHomeAndThenLimits) {
    EXPECT_EQ(
        surroundings(R"({"process": {"cwd": "/srv", "env": ["PATH=/bin"], "user": {"uid": 9}, "rlimits": [
                  {"type": "RLIMIT_NOFILE", "soft": 3, "hard": 10},
                  {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}]}})"),
        (Lines{"init enter_directory /srv (/process/cwd)",
               "init find_home of user 9 in /etc/passwd (/process/env)",
               "init set_rlimit RLIMIT_NOFILE soft 3 hard 10 (/process/rlimits/0)",
               "init set_rlimit RLIMIT_CORE soft 0 hard unlimited (/process/rlimits/1)"}));
}

TEST(ProcessEnvironment, LookForNoHomeThatIsGiven) {
    const Lines entered{"init enter_directory / (/process/cwd)"};
    EXPECT_EQ(surroundings(R"({"process": {"env": ["HOME=/x"]}})"), entered);
    EXPECT_EQ(surroundings(R"({"process": {"env": ["HOME=", "HOME=/x"]}})"), entered);
    for (const char* env : {"[]", R"(["HOME="])", R"(["HOME=/x", "HOME="])"})
        EXPECT_EQ(surroundings(cat(R"({"process": {"env": )", env, "}}")).size(), 2u) << env;
}

TEST(ProcessEnvironment, TakeBulkheadsOwnVariablesLast) {
    const spec::ValidSpec spec = test::spec_with(R"({"process": {"env": ["LISTEN_FDS=9", "HOME=/"]}})");
    plan::TimelineBuilder timeline;
    const ProcessEnvironment found = plan_environment(timeline, spec, {"LISTEN_FDS=1", "LISTEN_PID=1"});
    EXPECT_EQ(found.environment, (Lines{"HOME=/", "LISTEN_FDS=1", "LISTEN_PID=1"}));
}

TEST(Keyring, IsLabelledBeforeItIsMade) {
    const auto lines = [](const char* patch) {
        return test::init_lines([&](auto& timeline) { plan_keyring(timeline, test::spec_with(patch)); });
    };
    EXPECT_EQ(lines("{}"), (Lines{"init join_keyring a new anonymous one"}));
    EXPECT_EQ(lines(R"({"process": {"selinuxLabel": "u:r:t:s0"}})"),
              (Lines{"init set_label selinux keycreate u:r:t:s0 (/process/selinuxLabel)",
                     "init join_keyring a new anonymous one"}));
}

TEST(Labels, AreSetBeforeAnythingIsGivenUp) {
    const plan::HostFacts both{.last_capability = 40, .apparmor = true, .selinux = true};
    const Lines lines =
        credentials(R"({"process": {"apparmorProfile": "box", "selinuxLabel": "u:r:t:s0"}})", both);
    EXPECT_EQ(lines[0], "init set_label apparmor exec exec box (/process/apparmorProfile)");
    EXPECT_EQ(lines[1], "init set_label selinux exec u:r:t:s0 (/process/selinuxLabel)");
    EXPECT_TRUE(needs_procfs(test::spec_with(R"({"process": {"apparmorProfile": "box"}})")));
    EXPECT_TRUE(needs_procfs(test::spec_with(R"({"process": {"selinuxLabel": "x"}})")));
    EXPECT_FALSE(needs_procfs(test::spec_with(R"({"process": {"apparmorProfile": ""}})")));
}

TEST(Labels, OfAModuleThatIsNotThereAreRefused) {
    EXPECT_EQ(refusal(R"({"process": {"apparmorProfile": "box"}})"),
              "config.json: /process/apparmorProfile: \"box\": apparmor: config provided but apparmor not "
              "supported");
    EXPECT_EQ(refusal(R"({"process": {"selinuxLabel": "u:r:t:s0"}})"),
              "config.json: /process/selinuxLabel: \"u:r:t:s0\": selinux label is specified in config, but "
              "selinux is disabled or not supported");
    EXPECT_EQ(refusal(R"({"process": {"apparmorProfile": "", "selinuxLabel": ""}})"), "none");
}

TEST(Scheduling, IsSetWhileThereArePrivileges) {
    const Lines lines = credentials(R"({
        "process": {"scheduler": {"policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN"],
                                  "runtime": 1, "deadline": 2, "period": 3},
                    "ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 3}},
        "linux": {"personality": {"domain": "LINUX32"},
                  "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0-1,32", "flags": ["MPOL_F_STATIC_NODES"]}}})");
    EXPECT_EQ(lines[0],
              "init set_scheduler policy 6 nice 0 priority 0 flags 0x6 runtime 1 deadline 2 period 3 "
              "(/process/scheduler)");
    EXPECT_EQ(lines[1], "init set_io_priority class 1 priority 3 (/process/ioPriority)");
    EXPECT_EQ(lines[2], "init set_memory_policy mode 0x8002 nodes 0x3,1 (/linux/memoryPolicy)");
    EXPECT_EQ(lines[3], "init set_personality 0x8 (/linux/personality)");
    EXPECT_TRUE(lines[4].starts_with("init own_stdio")) << lines[4];
}

TEST(MemoryPolicy, HasTheKernelsNumbers) {
    const std::pair<const char*, const char*> numbers[] = {{"MPOL_PREFERRED", "1"},
                                                           {"MPOL_BIND", "2"},
                                                           {"MPOL_INTERLEAVE", "3"},
                                                           {"MPOL_PREFERRED_MANY", "5"},
                                                           {"MPOL_WEIGHTED_INTERLEAVE", "6"}};
    for (const auto& [word, number] : numbers)
        EXPECT_EQ(
            credentials(cat(R"({"linux": {"memoryPolicy": {"nodes": "0", "mode": ")", word, R"("}}})"))[0],
            cat("init set_memory_policy mode 0x", number, " nodes 0x1,0 (/linux/memoryPolicy)"));
    EXPECT_EQ(credentials(R"({"linux": {"memoryPolicy": {"mode": "MPOL_DEFAULT"}}})")[0],
              "init set_memory_policy mode 0x0 (/linux/memoryPolicy)");
    EXPECT_EQ(credentials(R"({"linux": {"memoryPolicy": {"mode": "MPOL_LOCAL"}}})")[0],
              "init set_memory_policy mode 0x4 (/linux/memoryPolicy)");
}

TEST(MemoryPolicy, OfNodesThatAreNoListIsRefused) {
    EXPECT_EQ(refusal(R"({"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "1-0"}}})"),
              "config.json: /linux/memoryPolicy/nodes: \"1-0\": must be a list of nodes such as 0-3,7");
}

TEST(Scheduling, OfAPolicyHasTheKernelsNumber) {
    const std::pair<const char*, int> numbers[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
                                                   {"SCHED_BATCH", 3}, {"SCHED_ISO", 4},  {"SCHED_IDLE", 5}};
    for (const auto& [word, number] : numbers)
        EXPECT_EQ(
            credentials(cat(R"({"process": {"scheduler": {"policy": ")", word, R"(", "nice": -3}}})"))[0],
            cat("init set_scheduler policy ", number, " nice -3 priority 0 (/process/scheduler)"));
}

TEST(Credentials, OfASmallConfigGiveEverythingUp) {
    EXPECT_EQ(credentials("{}"),
              (Lines{"init own_stdio pipes and sockets to user 0 (/process/user/uid)",
                     "init limit_bounding to 0x0 (/process/capabilities/bounding)",
                     "init set_groups none (/process/user/additionalGids)",
                     "init set_ids user 0 group 0 (/process/user)",
                     "init set_capabilities effective 0x0 permitted 0x0 inheritable 0x0 ambient 0x0 "
                     "(/process/capabilities)",
                     "init set_umask 022 (/process/user/umask)"}));
}

TEST(Credentials, TakeUserGroupsUmaskAndDirectory) {
    const Lines lines = credentials(R"({"process": {"noNewPrivileges": true,
        "user": {"uid": 7, "gid": 8, "umask": 63, "additionalGids": [1, 4294967294]}}})");
    EXPECT_EQ(lines[2], "init set_groups 1,4294967294 (/process/user/additionalGids)");
    EXPECT_EQ(lines[3], "init set_ids user 7 group 8 (/process/user)");
    EXPECT_EQ(lines[5], "init set_umask 077 (/process/user/umask)");
    EXPECT_EQ(lines[6], "init forbid_new_privileges (/process/noNewPrivileges)");
}

TEST(Credentials, WithATerminalStdioIsNotGivenAway) {
    for (const std::string& line : credentials(R"({"process": {"terminal": true}})"))
        EXPECT_FALSE(line.starts_with("init own_stdio")) << line;
}

TEST(Search, HasThePlacesOfTheLastPath) {
    const plan::Timeline timeline =
        search(R"({"process": {"args": ["sh"], "env": ["PATH=/a:/b", "HOME=/", "PATH=/c::/d"]}})");
    const auto op = test::ops_of<plan::FindProgram>(timeline).at(0);
    Lines places;
    for (std::uint32_t i = 0; i < op.candidates.count; ++i)
        places.emplace_back(timeline.arena().text(op.candidates, i));
    EXPECT_EQ(places, (Lines{"/c/sh", "./sh", "/d/sh"}));
    EXPECT_STREQ(timeline.arena().text(op.name), "sh");
}

TEST(Search, OfAPathHasOnePlace) {
    const auto op = test::ops_of<plan::FindProgram>(search("{}")).at(0);
    EXPECT_EQ(op.candidates.count, 1u);
}

TEST(Search, EndsInAnExecuteWithRoomForItsPointers) {
    const plan::Timeline timeline =
        search(R"({"process": {"args": ["sh", "-c"], "env": ["A=1", "PATH=/bin", "A=2"]}})");
    const plan::Execute execute = test::ops_of<plan::Execute>(timeline).at(0);
    const plan::FindHome home = test::ops_of<plan::FindHome>(timeline).at(0);
    EXPECT_EQ(execute.arguments.count, 2u);
    EXPECT_EQ(execute.argv.count, 3u);
    EXPECT_EQ(execute.envp.count, 4u);
    const plan::ArenaView arena = timeline.arena();
    const Lines environment{arena.text(execute.environment, 0), arena.text(execute.environment, 1),
                            arena.text(execute.environment, 2)};
    EXPECT_EQ(environment, (Lines{"PATH=/bin", "A=2", "HOME=/"}));
    EXPECT_EQ(arena.texts(execute.environment)[2].at, home.variable.at)
        << "what FindHome fills is what is executed";
    EXPECT_EQ(home.capacity, 4096u);
}

TEST(Search, WithoutAPathHasNoPlace) {
    const plan::Timeline timeline = search(R"({"process": {"args": ["sh"], "env": ["HOME=/"]}})");
    EXPECT_EQ(test::ops_of<plan::FindProgram>(timeline).at(0).candidates.count, 0u);
}

}  // namespace
}  // namespace bulkhead::process
