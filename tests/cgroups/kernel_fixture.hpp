// SPDX-License-Identifier: Apache-2.0
// What the tests on real cgroups share: a cgroup of their own, removed whatever happens, and child processes.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"

namespace bulkhead::cgroups::testing {

// Runs `act` in a child process and returns its exit status as a shell counts it.
template <class Act>
int in_child(Act act) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(act());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline Result<std::string> built_helper() { return BULKHEAD_HELPER_PATH; }

class CgroupTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "making cgroups needs root";
        const auto found = find_hierarchy(built_helper);
        if (!found) GTEST_SKIP() << found.error().text;
        hierarchy = open_hierarchy(found->mount).value();
        path = "/bh-test-" + std::to_string(::getpid());
    }
    void TearDown() override {
        if (!hierarchy) return;
        if (const auto group = cgroups::open(root(), path)) {
            (void)write_kernel_file(group->number(), "cgroup.freeze", "0");
            (void)kill_all(group->number());
        }
        for (const pid_t child : children) ::waitpid(child, nullptr, 0);
        const auto removed = cgroups::remove(root(), path, 5000);
        EXPECT_TRUE(removed) << removed.error().text;
    }

    int root() const { return hierarchy.number(); }

    // A process born in the cgroup, as a container is, that does `act` and then waits for a signal.
    template <class Act>
    pid_t start_in(int cgroup, Act act) {
        clone_args arguments{};
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.exit_signal = SIGCHLD;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup);
        const pid_t pid = sys::clone_process(arguments).value();
        if (pid == 0) {
            act();
            for (;;) ::pause();
        }
        children.push_back(pid);
        return pid;
    }
    pid_t start_in(int cgroup) {
        return start_in(cgroup, [] {});
    }

    Fd hierarchy;
    std::string path;
    std::vector<pid_t> children;
};

}  // namespace bulkhead::cgroups::testing
