// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/caller_terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sys.hpp"
#include "support/child.hpp"

namespace bulkhead::runtime {
namespace {

using test::in_child;

// A session of its own with a new terminal, which is on descriptor 0.
struct Session {
    Session() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        EXPECT_NE(::setsid(), -1);
        EXPECT_EQ(::unlockpt(master.number()), 0);
        slave = Fd(::ioctl(master.number(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        EXPECT_EQ(::ioctl(slave.number(), TIOCSCTTY, 0), 0);
        EXPECT_EQ(::dup2(slave.number(), 0), 0);
        (void)::signal(SIGHUP, SIG_IGN);  // of the terminal that ends with us
    }
    Fd master, slave;
};

termios settings_of(int fd) {
    termios settings{};
    EXPECT_EQ(::tcgetattr(fd, &settings), 0);
    return settings;
}

bool is_raw(const Session& session) {
    const termios settings = settings_of(session.slave.number());
    return (settings.c_lflag & (ICANON | ECHO | ISIG)) == 0 && (settings.c_oflag & OPOST) == 0;
}

void set_echo(const Session& session, bool on) {
    termios settings = settings_of(session.slave.number());
    settings.c_lflag = on ? settings.c_lflag | ECHO : settings.c_lflag & ~static_cast<tcflag_t>(ECHO);
    EXPECT_EQ(::tcsetattr(session.slave.number(), TCSANOW, &settings), 0);
}

// A job of this session's: a process group of its own, with all signals blocked as SignalWatch blocks them.
template <class Body>
pid_t start_job(Body body) {
    const pid_t job = ::fork();
    if (job == 0) {
        ::alarm(30);
        ::setpgid(0, 0);
        sigset_t most;
        ::sigfillset(&most);
        for (const int own : {SIGALRM, SIGSEGV, SIGABRT}) ::sigdelset(&most, own);
        ::sigprocmask(SIG_SETMASK, &most, nullptr);
        body();
        test::leave(::testing::Test::HasFailure() ? 1 : 0);
    }
    ::setpgid(job, job);
    return job;
}

// From within a session leader without job control: it may give the terminal away from the background.
void to_foreground(pid_t group) {
    const UnblockedSignal ignored(SIGTTOU);
    const auto before = ::signal(SIGTTOU, SIG_IGN);
    EXPECT_EQ(::tcsetpgrp(0, group), 0);
    (void)::signal(SIGTTOU, before);
}

bool is_stopped(pid_t job) {
    int status = 0;
    return ::waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status);
}

TEST(CallerTerminal, IsRawMeanwhileAndAsItWasAfterwards) {
    in_child([] {
        const Session session;
        const termios before = settings_of(0);
        {
            CallerTerminal terminal;
            EXPECT_FALSE(is_raw(session));
            terminal.enter();
            EXPECT_TRUE(is_raw(session));
            terminal.enter();
        }
        EXPECT_EQ(settings_of(0).c_lflag, before.c_lflag);
        EXPECT_EQ(settings_of(0).c_iflag, before.c_iflag);
        EXPECT_EQ(settings_of(0).c_oflag, before.c_oflag);
    });
}

TEST(CallerTerminal, DoesNothingWithoutATerminal) {
    in_child([] {
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        ASSERT_EQ(::dup2(null.number(), 0), 0);
        CallerTerminal terminal;
        terminal.enter();
        struct sigaction action {};
        ASSERT_EQ(::sigaction(SIGABRT, nullptr, &action), 0);
        terminal.leave();
        EXPECT_FALSE(in_background());
    });
}

TEST(CallerTerminal, IsRestoredWhenTheProgramDiesOfASignal) {
    for (const int signal : {SIGSEGV, SIGABRT})
        in_child([signal] {
            const Session session;
            const pid_t job = start_job([signal] {
                const rlimit none{};
                ::setrlimit(RLIMIT_CORE, &none);
                for (const int reset : {SIGSEGV, SIGABRT}) (void)::signal(reset, SIG_DFL);
                CallerTerminal terminal;
                terminal.enter();
                ::raise(signal);
            });
            to_foreground(job);
            ::kill(job, SIGCONT);
            int status = 0;
            while (::waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) ::kill(job, SIGCONT);
            EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
            EXPECT_FALSE(is_raw(session));
        });
}

TEST(CallerTerminal, WaitsForTheForeground) {
    in_child([] {
        const Session session;
        const pid_t job = start_job([&session] {
            CallerTerminal terminal;
            terminal.enter();
            EXPECT_TRUE(is_raw(session));
        });
        EXPECT_TRUE(is_stopped(job));
        EXPECT_FALSE(is_raw(session)) << "not before it may";
        set_echo(session, false);  // what is put back is what was there when it came to the foreground
        to_foreground(job);
        ::kill(job, SIGCONT);
        EXPECT_EQ(test::reap(job), 0);
        EXPECT_FALSE(is_raw(session));
        EXPECT_EQ(settings_of(session.slave.number()).c_lflag & ECHO, 0u);
    });
}

TEST(CallerTerminal, IgnoringSigttouMeansToGoOn) {
    in_child([] {
        const Session session;
        const pid_t job = start_job([&session] {
            (void)::signal(SIGTTOU, SIG_IGN);
            CallerTerminal terminal;
            terminal.enter();
            EXPECT_TRUE(in_background());
            EXPECT_TRUE(is_raw(session));
        });
        EXPECT_EQ(test::reap(job), 0);
        EXPECT_FALSE(is_raw(session)) << "restored from the background, without being stopped";
    });
}

TEST(CallerTerminal, GivesTheTerminalBackWhileItIsStopped) {
    in_child([] {
        const Session session;
        const pid_t job = start_job([&session] {
            CallerTerminal terminal;
            terminal.enter();
            terminal.stop(SIGTSTP);
            EXPECT_FALSE(is_raw(session));
            terminal.enter();
            EXPECT_TRUE(is_raw(session));
        });
        EXPECT_TRUE(is_stopped(job)) << "in the background, first";
        to_foreground(job);
        ::kill(job, SIGCONT);
        EXPECT_TRUE(is_stopped(job));
        EXPECT_FALSE(is_raw(session));
        ::kill(job, SIGCONT);
        EXPECT_EQ(test::reap(job), 0);
    });
}

TEST(CallerTerminal, LeavesTheSettingsOfAnotherProgramAlone) {
    in_child([] {
        const Session session;
        const pid_t job = start_job([] {
            CallerTerminal terminal;
            terminal.enter();
            ::raise(SIGSTOP);
        });
        EXPECT_TRUE(is_stopped(job)) << "in the background, first";
        to_foreground(job);
        ::kill(job, SIGCONT);
        EXPECT_TRUE(is_stopped(job));
        EXPECT_TRUE(is_raw(session)) << "SIGSTOP leaves no time";
        to_foreground(::getpgrp());
        set_echo(session, true);
        const termios others = settings_of(session.slave.number());
        ::kill(job, SIGCONT);
        EXPECT_EQ(test::reap(job), 0);
        EXPECT_EQ(settings_of(session.slave.number()).c_lflag, others.c_lflag);
        EXPECT_EQ(settings_of(session.slave.number()).c_oflag, others.c_oflag);
    });
}

TEST(CallerTerminal, RestoresFromTheBackgroundWhatIsStillItsOwn) {
    in_child([] {
        const Session session;
        const pid_t job = start_job([] {
            CallerTerminal terminal;
            terminal.enter();
            ::raise(SIGSTOP);
        });
        EXPECT_TRUE(is_stopped(job)) << "in the background, first";
        to_foreground(job);
        ::kill(job, SIGCONT);
        EXPECT_TRUE(is_stopped(job));
        to_foreground(::getpgrp());
        ::kill(job, SIGCONT);
        EXPECT_EQ(test::reap(job), 0);
        EXPECT_FALSE(is_raw(session));
    });
}

}  // namespace
}  // namespace bulkhead::runtime
