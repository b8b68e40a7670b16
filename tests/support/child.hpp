// SPDX-License-Identifier: Apache-2.0
// A part of a test that runs in a process of its own, so that what it does to itself (namespaces, ids,
// limits, a new root) ends with it.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>

#define NEEDS_ROOT() \
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: it changes the kernel's state"

extern "C" void __gcov_dump() __attribute__((weak));  // with coverage, _exit would lose the counts

namespace bulkhead::test {

// The exit status of a child as a shell counts it.
inline int reap(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] inline void leave(int code) {
    std::fflush(nullptr);
    if (__gcov_dump != nullptr) __gcov_dump();
    ::_exit(code);
}

// Runs `body` in a child, which must end by itself; what it expects in vain counts here. `watchdog` seconds
// are the most that it may take.
inline void in_child(const std::function<void()>& body, unsigned watchdog = 60) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
        ::alarm(watchdog);
        try {
            body();
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
        leave(::testing::Test::HasFailure() ? 1 : 0);
    }
    EXPECT_EQ(reap(child), 0) << "in the child";
}

// The same in new namespaces; in a new mount namespace nothing propagates.
inline void in_namespaces(int flags, const std::function<void()>& body) {
    in_child([&] {
        ASSERT_EQ(::unshare(flags), 0) << std::strerror(errno);
        if ((flags & CLONE_NEWNS) != 0) {
            ASSERT_EQ(::mount("", "/", nullptr, MS_PRIVATE | MS_REC, nullptr), 0) << std::strerror(errno);
        }
        body();
    });
}

}  // namespace bulkhead::test
