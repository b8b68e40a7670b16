// SPDX-License-Identifier: Apache-2.0
#include "base/waiting.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <cerrno>

#include "base/deadline.hpp"
#include "base/sys.hpp"
#include "support/child.hpp"

namespace bulkhead {
namespace {

// A child that waits to be killed.
struct Sleeper {
    Sleeper() : pid(::fork()) {
        if (pid == 0) {
            ::alarm(60);
            for (;;) ::pause();
        }
        process = std::move(*sys::open_process(pid));
    }
    ~Sleeper() {
        if (sys::signal_process(process.number(), SIGKILL)) (void)sys::wait_process(process.number(), 60'000);
    }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    pid_t pid;
    Fd process;
};

TEST(WaitEnding, EndsWithTheTimeWhereTheChildGoesOn) {
    const Sleeper sleeper;
    const Deadline early(20);
    EXPECT_EQ(sys::wait_ending(sleeper.process.number(), 20).error().err, ETIMEDOUT);
    EXPECT_TRUE(early.passed());
}

TEST(WaitEnding, IsNotInterrupted) {
    test::in_child([] {
        sys::hold_interrupts();
        ::raise(SIGTERM);
        const Sleeper sleeper;
        EXPECT_EQ(sys::wait_ending(sleeper.process.number(), 20).error().err, ETIMEDOUT);
        EXPECT_EQ(sys::heed_interrupts().error().signal, SIGTERM);
    });
}

// The zombie of who is traced belongs to the tracer first: waitid(2) without WNOHANG would wait for that.
TEST(WaitEnding, GivesUpWhereATracerDoesNotLetGo) {
    const Sleeper sleeper;
    sys::Pipe ready = std::move(*sys::pipe()), done = std::move(*sys::pipe());
    const pid_t tracer = ::fork();
    if (tracer == 0) {
        ::alarm(60);
        done.writer.reset();
        const bool seized = ::ptrace(PTRACE_SEIZE, sleeper.pid, 0, 0) == 0;
        (void)sys::write(ready.writer.number(), seized ? "s" : "-");
        char byte = 0;
        (void)sys::read(done.reader.number(), {&byte, 1});
        ::_exit(0);
    }
    char seized = 0;
    ASSERT_TRUE(sys::read(ready.reader.number(), {&seized, 1}));
    done.reader.reset();
    if (seized == 's') {
        EXPECT_TRUE(sys::signal_process(sleeper.process.number(), SIGKILL));
        EXPECT_EQ(sys::wait_ending(sleeper.process.number(), 60'000).error().err, ETIMEDOUT);
    }
    done.writer.reset();
    test::reap(tracer);
    if (seized != 's') GTEST_SKIP() << "ptrace(2) is not permitted here";
    EXPECT_EQ(sys::wait_process(sleeper.process.number(), 60'000).value(), 128 + SIGKILL);
}

TEST(Interruption, IsTakenOnceAndSaysWhichSignal) {
    test::in_child([] {
        sys::hold_interrupts();
        EXPECT_TRUE(sys::heed_interrupts());
        ::raise(SIGINT);
        ::raise(SIGTERM);
        const auto first = sys::heed_interrupts(), second = sys::heed_interrupts();
        EXPECT_EQ(first.error().text, "interrupted by signal 2");
        EXPECT_EQ(first.error().kind, Kind::interrupted);
        EXPECT_EQ(second.error().signal, SIGTERM);
        EXPECT_TRUE(sys::heed_interrupts());
    });
}

TEST(Interruption, IsNoneWhereTheCallerIgnoresIt) {
    test::in_child([] {
        (void)::signal(SIGHUP, SIG_IGN);
        sys::hold_interrupts();
        ::raise(SIGHUP);
        EXPECT_TRUE(sys::heed_interrupts());
        sys::release_interrupts();
    });
}

TEST(Interruption, EndsAWaitThatItFindsAndOneThatItComesUpon) {
    test::in_child([] {
        const sys::Pipe pipe = std::move(*sys::pipe());
        for (const int signal : {SIGTERM, SIGQUIT}) (void)::signal(signal, SIG_DFL);  // of a job with `&`
        sys::hold_interrupts();
        ::raise(SIGTERM);
        EXPECT_EQ(sys::wait_readable(pipe.reader.number(), 60'000).error().kind, Kind::interrupted);
        const pid_t parent = ::getpid(), child = ::fork();
        if (child == 0) {
            ::usleep(20'000);
            ::kill(parent, SIGQUIT);
            ::_exit(0);
        }
        EXPECT_EQ(sys::wait_readable(pipe.reader.number(), 60'000).error().signal, SIGQUIT);
        test::reap(child);
    });
}

TEST(Interruption, ThatIsHeldEndsTheProcessOnceItIsReleased) {
    const pid_t child = ::fork();
    if (child == 0) {
        sys::hold_interrupts();
        ::raise(SIGTERM);
        sys::release_interrupts();
        ::_exit(0);
    }
    EXPECT_EQ(test::reap(child), 128 + SIGTERM);
}

TEST(EndBy, DiesOfTheSignalEvenWhereItIsHeld) {
    const pid_t child = ::fork();
    if (child == 0) {
        sys::hold_interrupts();
        sys::end_by(SIGINT);
    }
    EXPECT_EQ(test::reap(child), 128 + SIGINT);
}

}  // namespace
}  // namespace bulkhead
