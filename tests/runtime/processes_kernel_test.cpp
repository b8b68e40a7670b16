// SPDX-License-Identifier: Apache-2.0
// kill --all, pause, resume and ps on a record whose processes are children of this test, in a real cgroup.
#include <signal.h>

#include <algorithm>
#include <thread>

#include "base/sys.hpp"
#include "cgroups/group.hpp"
#include "cgroups/mount.hpp"
#include "runtime/container.hpp"
#include "runtime/observe.hpp"
#include "runtime/probe.hpp"
#include "runtime/process_identity.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using lifecycle::Status;

class Processes : public testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        const auto facts = probe();
        if (!facts) GTEST_SKIP() << facts.error().text;
        hierarchy = cgroups::open_hierarchy(facts->cgroup_mount).value();
        path = cat("/bulkhead-processes-test-", ::getpid());
        auto made = cgroups::make(hierarchy.number(), path);
        if (!made) GTEST_SKIP() << made.error().text;
        group = std::move(made->fd);
        state = {.id = "box",
                 .bundle = "/b",
                 .rootfs = "/b/r",
                 .created = "2026-11-21T10:00:00.0Z",
                 .annotations = {},
                 .cgroup_mount = facts->cgroup_mount,
                 .cgroup_path = path,
                 .cgroup_inode = made->inode};
        ASSERT_TRUE(sys::make_directory_at(root.fd(), "box", 0700));
    }
    void TearDown() override {
        if (!group) return;
        (void)cgroups::kill_all(group.number());
        for (const pid_t child : children) test::reap(child);
        EXPECT_TRUE(cgroups::remove(hierarchy.number(), path, 5000));
    }

    // A process in the container's cgroup, or outside of every one of ours.
    pid_t start(bool inside = true) {
        clone_args arguments{};
        arguments.flags = inside ? CLONE_INTO_CGROUP : 0;
        arguments.exit_signal = SIGCHLD;
        arguments.cgroup = inside ? static_cast<std::uint64_t>(group.number()) : 0;
        const pid_t pid = sys::clone_process(arguments).value();
        if (pid == 0)
            for (;;) ::pause();
        children.push_back(pid);
        return pid;
    }
    // Writes down that `pid` is the container's init process.
    void record(pid_t pid) {
        state.pid = pid;
        state.start_time = process_status(pid).value_or(ProcessStatus{}).start_time;
        const Fd directory = sys::open(root / "box", O_RDONLY | O_DIRECTORY).value();
        ASSERT_TRUE(save(directory.number(), state));
    }
    void forget_cgroup() {
        state.cgroup_path.clear();
        state.cgroup_inode = 0;
    }
    // How it ended, as a shell counts it.
    int end_of(pid_t child) {
        std::erase(children, child);
        return test::reap(child);
    }
    bool lives(pid_t pid) const { return process_status(pid) && process_status(pid)->alive(); }
    Site site() const { return {.root = root.path()}; }
    Status status() const { return find(site(), "box").value().status; }

    const test::Folder root;
    Fd hierarchy;
    Fd group;
    std::string path;
    State state;
    std::vector<pid_t> children;
};

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
