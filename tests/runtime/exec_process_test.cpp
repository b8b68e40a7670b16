// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/exec_process.hpp"

#include <gtest/gtest.h>

namespace bulkhead::runtime {
namespace {

using Names = std::vector<std::string>;

// The process of a container with everything set.
spec::Process own_process() {
    return {
        .terminal = true,
        .console_size = spec::ConsoleSize{24, 80},
        .cwd = "/own",
        .env = {"PATH=/bin", "A=own"},
        .args = {"init"},
        .user = {.uid = 10, .gid = 20, .umask = 027, .additional_gids = {30}},
        .capabilities = spec::Capabilities{{"CAP_KILL"}, {"CAP_KILL"}, {"CAP_KILL"}, {}, {}},
        .no_new_privileges = true,
        .rlimits = {{7, "RLIMIT_NOFILE", 10, 20}},
        .apparmor_profile = "own-profile",
        .selinux_label = "own:label",
        .oom_score_adj = 100,
        .scheduler = spec::Scheduler{.policy = spec::SchedulerPolicy::batch},
        .io_priority = spec::IoPriority{.priority = 3},
        .exec_cpu_affinity = spec::ExecCpuAffinity{"0", "0"},
    };
}

spec::Process changed(ProcessChanges changes) {
    if (changes.args.empty()) changes.args = {"program"};
    return changed_process(own_process(), changes).value();
}

std::string refusal_of(ProcessChanges changes) {
    if (changes.args.empty()) changes.args = {"program"};
    const auto process = changed_process(own_process(), changes);
    if (process) return "none";
    EXPECT_EQ(process.error().kind, Kind::usage);
    return process.error().text;
}

TEST(ChangedProcess, IsTheContainersWithOtherArguments) {
    const spec::Process process = changed({.args = {"sh", "-c", ""}});
    EXPECT_EQ(process.args, (Names{"sh", "-c", ""}));
    EXPECT_EQ(process.cwd, "/own");
    EXPECT_EQ(process.env, (Names{"PATH=/bin", "A=own"}));
    EXPECT_EQ(process.user.uid, 10u);
    EXPECT_EQ(process.user.gid, 20u);
    EXPECT_EQ(process.user.umask, 027u);
    EXPECT_EQ(process.user.additional_gids, std::vector<std::uint32_t>{30});
    EXPECT_EQ(process.capabilities->bounding, Names{"CAP_KILL"});
    EXPECT_TRUE(process.no_new_privileges);
    EXPECT_EQ(process.rlimits.size(), 1u);
    EXPECT_EQ(process.apparmor_profile, "own-profile");
    EXPECT_EQ(process.selinux_label, "own:label");
    EXPECT_EQ(process.oom_score_adj, 100);
    EXPECT_TRUE(process.scheduler && process.io_priority && process.exec_cpu_affinity);
}

TEST(ChangedProcess, NeedsArguments) {
    const auto process = changed_process(own_process(), {});
    ASSERT_FALSE(process) << "the container's own are not run a second time";
    EXPECT_EQ(process.error().text, "process args cannot be empty");
    EXPECT_EQ(process.error().kind, Kind::usage);
}

TEST(ChangedProcess, HasATerminalWhereTheFlagSaysSo) {
    EXPECT_FALSE(changed({}).terminal) << "whatever the container has";
    EXPECT_TRUE(changed({.terminal = true}).terminal);
}

TEST(ChangedProcess, TakesDirectoryEnvironmentAndLabels) {
    const spec::Process process = changed({.cwd = "/there",
                                           .env = {"A=new", "B=a,b"},
                                           .process_label = "other:label",
                                           .apparmor = "other-profile"});
    EXPECT_EQ(process.cwd, "/there");
    EXPECT_EQ(process.env, (Names{"PATH=/bin", "A=own", "A=new", "B=a,b"})) << "the later one counts";
    EXPECT_EQ(process.selinux_label, "other:label");
    EXPECT_EQ(process.apparmor_profile, "other-profile");
}

TEST(ChangedProcess, TellsFalseFromNotGiven) {
    EXPECT_TRUE(changed({}).no_new_privileges);
    EXPECT_FALSE(changed({.no_new_privileges = false}).no_new_privileges);
    EXPECT_TRUE(changed({.no_new_privileges = true}).no_new_privileges);
}

TEST(ChangedProcess, TakesAUserWithOrWithoutAGroup) {
    EXPECT_EQ(changed({.user = "0"}).user.uid, 0u);
    EXPECT_EQ(changed({.user = "0"}).user.gid, 20u) << "the container's";
    EXPECT_EQ(changed({.user = "1:2"}).user.uid, 1u);
    EXPECT_EQ(changed({.user = "1:2"}).user.gid, 2u);
    EXPECT_EQ(changed({.user = "4294967294:4294967294"}).user.uid, 4294967294u);
    EXPECT_EQ(changed({.user = "1"}).user.additional_gids, std::vector<std::uint32_t>{30});
}

TEST(ChangedProcess, RefusesEveryOtherUser) {
    for (const char* user : {"root", "-1", "+1", " 1", "1 ", "1:", ":", ":1", "1:2:3", "1:root", "010", "00",
                             "0x1", "1.0", "4294967295", "4294967296", "4294967297", "1:4294967296"})
        EXPECT_NE(refusal_of({.user = user}), "none") << user;
    EXPECT_EQ(refusal_of({.user = "root"}),
              "parsing root as int for uid failed: must be a decimal from 0 to 4294967294");
    EXPECT_EQ(refusal_of({.user = "1:x\x1b"}),
              "parsing x\\x1b as int for gid failed: must be a decimal from 0 to 4294967294");
}

TEST(ChangedProcess, HasTheConsoleSizeOfATerminalAlone) {
    spec::Process process = own_process();
    process.terminal = false;
    EXPECT_FALSE(changed_process(process, {.args = {"x"}, .terminal = true}).value().console_size);
    process.terminal = true;
    EXPECT_TRUE(changed_process(process, {.args = {"x"}, .terminal = true}).value().console_size);
}

TEST(ChangedProcess, AddsGroups) {
    EXPECT_EQ(changed({.additional_gids = {"7", "8"}}).user.additional_gids,
              (std::vector<std::uint32_t>{30, 7, 8}));
    for (const char* gid : {"", "-1", "x", "7,8", "010", "4294967295"})
        EXPECT_NE(refusal_of({.additional_gids = {"7", gid}}), "none") << gid;
    EXPECT_EQ(refusal_of({.additional_gids = {"7,8"}}),
              "--additional-gids \"7,8\": must be a decimal from 0 to 4294967294");
}

TEST(ChangedProcess, AddsCapabilitiesButNoInheritableOnes) {
    const spec::Capabilities sets = *changed({.capabilities = {"CAP_CHOWN", "odd"}}).capabilities;
    const Names all{"CAP_KILL", "CAP_CHOWN", "odd"};  // what the kernel does not know becomes a warning later
    EXPECT_EQ(sets.bounding, all);
    EXPECT_EQ(sets.effective, all);
    EXPECT_EQ(sets.permitted, all);
    EXPECT_TRUE(sets.inheritable.empty());
    EXPECT_TRUE(sets.ambient.empty()) << "what is not inheritable cannot be ambient";
}

TEST(ChangedProcess, MakesThemAmbientWhereTheContainerHasThemInheritable) {
    spec::Process process = own_process();
    process.capabilities->inheritable = {"CAP_KILL"};
    const auto sets = changed_process(process, {.args = {"x"}, .capabilities = {"CAP_CHOWN", "CAP_KILL"}})
                          .value()
                          .capabilities;
    EXPECT_EQ(sets->ambient, Names{"CAP_KILL"});
    EXPECT_EQ(sets->inheritable, Names{"CAP_KILL"}) << "CVE-2022-29162";
}

TEST(ChangedProcess, AddsCapabilitiesWhereTheContainerHasNone) {
    spec::Process process = own_process();
    process.capabilities.reset();
    EXPECT_FALSE(changed_process(process, {.args = {"x"}}).value().capabilities);
    const auto sets =
        changed_process(process, {.args = {"x"}, .capabilities = {"CAP_CHOWN"}}).value().capabilities;
    EXPECT_EQ(sets->permitted, Names{"CAP_CHOWN"});
}

TEST(CompletedProcess, TakesThePolicyOfTheContainer) {
    const spec::Process process = completed_process({.cwd = "/", .args = {"x"}}, own_process());
    EXPECT_EQ(process.capabilities->permitted, Names{"CAP_KILL"});
    EXPECT_EQ(process.rlimits.size(), 1u);
    EXPECT_EQ(process.user.umask, 027u);
    EXPECT_EQ(process.apparmor_profile, "own-profile");
    EXPECT_EQ(process.selinux_label, "own:label");
    EXPECT_EQ(process.oom_score_adj, 100);
    EXPECT_EQ(process.scheduler->policy, spec::SchedulerPolicy::batch);
    EXPECT_EQ(process.io_priority->priority, 3);
    EXPECT_EQ(process.exec_cpu_affinity->initial, "0");
}

TEST(CompletedProcess, LeavesTheRestToTheCaller) {
    const spec::Process process = completed_process({.cwd = "/", .args = {"x"}}, own_process());
    EXPECT_EQ(process.args, Names{"x"});
    EXPECT_EQ(process.cwd, "/");
    EXPECT_TRUE(process.env.empty());
    EXPECT_FALSE(process.terminal);
    EXPECT_FALSE(process.console_size);
    EXPECT_EQ(process.user.uid, 0u);
    EXPECT_EQ(process.user.gid, 0u);
    EXPECT_TRUE(process.user.additional_gids.empty());
    EXPECT_FALSE(process.no_new_privileges) << "absent is false, as with runc";
}

TEST(CompletedProcess, KeepsWhatIsGiven) {
    spec::Process given{.cwd = "/", .args = {"x"}};
    given.user.umask = 0;
    given.capabilities.emplace();
    given.rlimits = {{0, "RLIMIT_CPU", 1, 2}};
    given.apparmor_profile = "p";
    given.selinux_label = "l";
    given.oom_score_adj = 0;
    given.scheduler.emplace();
    given.io_priority.emplace();
    given.exec_cpu_affinity.emplace();
    const spec::Process process = completed_process(given, own_process());
    EXPECT_EQ(process.user.umask, 0u);
    EXPECT_TRUE(process.capabilities->bounding.empty()) << "empty sets are sets";
    EXPECT_EQ(process.rlimits[0].name, "RLIMIT_CPU");
    EXPECT_EQ(process.rlimits.size(), 1u);
    EXPECT_EQ(process.apparmor_profile, "p");
    EXPECT_EQ(process.selinux_label, "l");
    EXPECT_EQ(process.oom_score_adj, 0);
    EXPECT_EQ(process.scheduler->policy, spec::SchedulerPolicy::other);
    EXPECT_EQ(process.io_priority->priority, 0);
    EXPECT_EQ(process.exec_cpu_affinity->initial, "");
}

}  // namespace
}  // namespace bulkhead::runtime
