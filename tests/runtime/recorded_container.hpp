// SPDX-License-Identifier: Apache-2.0
// A container on record, "box", whose processes are children of the test, in a real cgroup.
#pragma once

#include <fcntl.h>
#include <signal.h>

#include <string>
#include <vector>

#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/record/identity.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {

class RecordedContainer : public testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        const auto facts = probe();
        if (!facts) GTEST_SKIP() << facts.error().text;
        hierarchy = cgroups::open_hierarchy(facts->cgroup_mount).value();
        path = cat("/bulkhead-runtime-test-", ::getpid());
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
        with_cgroup = state;
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
    void remember_cgroup() { state = with_cgroup; }
    // How it ended, as a shell counts it.
    int end_of(pid_t child) {
        std::erase(children, child);
        return test::reap(child);
    }
    bool lives(pid_t pid) const { return process_status(pid) && process_status(pid)->alive(); }
    Site site() const { return {.root = root.path()}; }
    lifecycle::Status status() const { return find(site(), "box").value().status; }

    const test::Folder root;
    Fd hierarchy;
    Fd group;
    std::string path;
    State state;
    State with_cgroup;
    std::vector<pid_t> children;
};

}  // namespace bulkhead::runtime
