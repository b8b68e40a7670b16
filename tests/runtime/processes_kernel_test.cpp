// SPDX-License-Identifier: Apache-2.0
// kill --all, pause, resume and ps on a record whose processes are children of this test, in a real cgroup.
#include <algorithm>

#include "recorded_container.hpp"

namespace bulkhead::runtime {
namespace {

using lifecycle::Status;

class Processes : public RecordedContainer {};

TEST_F(Processes, PauseStopsThemAndResumeLetsThemGoOn) {
    record(start());
    ASSERT_TRUE(pause(site(), "box"));
    EXPECT_EQ(status(), Status::paused);
    EXPECT_TRUE(cgroups::frozen(group.number()).value());
    ASSERT_TRUE(resume(site(), "box"));
    EXPECT_EQ(status(), Status::running);
    EXPECT_FALSE(cgroups::frozen(group.number()).value());
}

TEST_F(Processes, PauseAndResumeAreRefusedInRuncsWords) {
    record(start());
    EXPECT_EQ(resume(site(), "box").error().text, "container not paused: box");
    ASSERT_TRUE(pause(site(), "box"));
    EXPECT_EQ(pause(site(), "box").error().text, "container not running: box");
    ASSERT_TRUE(kill(site(), "box", SIGKILL, true));
    EXPECT_EQ(end_of(children.front()), 128 + SIGKILL) << "a frozen one can be killed";
    EXPECT_EQ(pause(site(), "box").error().text, "container not running: box");
    EXPECT_EQ(resume(site(), "box").error().text, "container not paused: box");
    EXPECT_EQ(pause(site(), "other").error().text, "container does not exist: other");
    EXPECT_EQ(resume(site(), "other").error().kind, Kind::not_found);
}

TEST_F(Processes, WithoutACgroupThereIsNoPauseAndNoList) {
    forget_cgroup();
    record(start());
    EXPECT_EQ(pause(site(), "box").error().text,
              "container box: it has no cgroup of its own, so it cannot be paused");
    EXPECT_EQ(processes(site(), "box").error().kind, Kind::unsupported);
    EXPECT_EQ(kill(site(), "box", SIGTERM, true).error().text,
              "container box: it has no cgroup of its own, so only its init process can be signalled");
    EXPECT_TRUE(lives(state.pid));
}

TEST_F(Processes, WithoutACgroupSigkillToInitStillEndsAPidNamespace) {
    forget_cgroup();
    record(start());
    ASSERT_TRUE(kill(site(), "box", SIGKILL, true));
    EXPECT_EQ(end_of(state.pid), 128 + SIGKILL);

    state.private_pids = false;
    record(start());
    EXPECT_EQ(kill(site(), "box", SIGKILL, true).error().kind, Kind::unsupported);
    EXPECT_TRUE(lives(state.pid));
}

TEST_F(Processes, AreListedWithThoseBelow) {
    record(start());
    start();
    start(false);
    const auto below = cgroups::make(hierarchy.number(), path + "/below").value();
    group = cgroups::open(hierarchy.number(), path + "/below").value();
    start();
    group = cgroups::open(hierarchy.number(), path).value();
    std::vector<pid_t> wanted{children[0], children[1], children[3]};
    std::ranges::sort(wanted);
    EXPECT_EQ(processes(site(), "box").value(), wanted);
    (void)::kill(children[2], SIGKILL);
}

TEST_F(Processes, OfAStoppedContainerAreNone) {
    record(start());
    ASSERT_TRUE(kill(site(), "box", SIGKILL, false));
    EXPECT_EQ(end_of(state.pid), 128 + SIGKILL);
    EXPECT_TRUE(processes(site(), "box").value().empty());
    forget_cgroup();
    record(state.pid);
    EXPECT_TRUE(processes(site(), "box").value().empty());
    EXPECT_EQ(processes(site(), "other").error().text, "container does not exist: other");
}

TEST_F(Processes, AllGetTheSignalOfKillAllAndNobodyElse) {
    record(start());
    start();
    const pid_t outside = start(false);
    ASSERT_TRUE(kill(site(), "box", SIGUSR1, true));
    EXPECT_EQ(end_of(children[0]), 128 + SIGUSR1);
    EXPECT_EQ(end_of(children[0]), 128 + SIGUSR1);
    EXPECT_TRUE(lives(outside));
    (void)::kill(outside, SIGKILL);
}

TEST_F(Processes, OnlyInitGetsTheSignalOfKill) {
    record(start());
    const pid_t other = start();
    ASSERT_TRUE(kill(site(), "box", SIGUSR1, false));
    EXPECT_EQ(end_of(state.pid), 128 + SIGUSR1);
    EXPECT_TRUE(lives(other));
}

TEST_F(Processes, ThatAStoppedContainerLeftBehindGetTheSignal) {
    record(start());
    const pid_t other = start();
    ASSERT_TRUE(kill(site(), "box", SIGKILL, false));
    end_of(state.pid);
    EXPECT_EQ(kill(site(), "box", SIGTERM, false).error().text, "container not running: box");
    EXPECT_TRUE(lives(other));
    EXPECT_TRUE(kill(site(), "box", SIGTERM, true));
    EXPECT_EQ(end_of(other), 128 + SIGTERM);
    EXPECT_TRUE(kill(site(), "box", SIGTERM, true)) << "and nobody is no error";
}

}  // namespace
}  // namespace bulkhead::runtime
