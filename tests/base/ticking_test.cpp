// SPDX-License-Identifier: Apache-2.0
#include "base/ticking.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::Folder;

TEST(Ticking, InterruptsACallThatSleeps) {
    const sys::Pipe pipe = std::move(*sys::pipe());
    char byte = 0;
    const Ticking clock;
    for (int tick = 0; tick < 2; ++tick) {
        EXPECT_EQ(::read(pipe.reader.number(), &byte, 1), -1);
        EXPECT_EQ(errno, EINTR);
    }
}

TEST(Ticking, WorksWhereTheSignalIsBlockedAndPutsAllBack) {
    test::in_child([] {
        sigset_t alarm, now;
        ::sigemptyset(&alarm);
        ::sigaddset(&alarm, SIGALRM);
        ::sigprocmask(SIG_BLOCK, &alarm, nullptr);
        (void)::signal(SIGALRM, SIG_IGN);
        {
            const Ticking clock;
            EXPECT_EQ(::pause(), -1);
        }
        ::sigprocmask(SIG_BLOCK, nullptr, &now);
        EXPECT_EQ(::sigismember(&now, SIGALRM), 1);
        struct sigaction action {};
        ::sigaction(SIGALRM, nullptr, &action);
        EXPECT_EQ(action.sa_handler, SIG_IGN);
        itimerval timer{};
        ::getitimer(ITIMER_REAL, &timer);
        EXPECT_EQ(timer.it_interval.tv_usec, 0);
    });
}

TEST(LockWithin, WaitsForTheOneThatHasItAndNoLonger) {
    const Folder folder;
    const Fd mine = std::move(*sys::open(folder / "", O_RDONLY | O_DIRECTORY));
    Fd theirs = std::move(*sys::open(folder / "", O_RDONLY | O_DIRECTORY));
    EXPECT_TRUE(lock_within(theirs.number(), 0).value());
    EXPECT_FALSE(lock_within(mine.number(), 150).value());
    theirs.reset();
    EXPECT_TRUE(lock_within(mine.number(), 0).value());
}

}  // namespace
}  // namespace bulkhead
