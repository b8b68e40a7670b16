// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/attend.hpp"

#include <signal.h>
#include <sys/prctl.h>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "support/child.hpp"

namespace bulkhead::runtime {
namespace {

using test::in_child;

// Attends a child that runs `body`; what happens beside it runs in the parent first.
template <class Body, class Beside>
int attended(Body body, Beside beside) {
    const SignalWatch watch = std::move(*SignalWatch::start(true));
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        // What nohup or a background job ignores; before unblocking, or a signal could be lost in between.
        for (int signal = 1; signal <= 64; ++signal) (void)::signal(signal, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        body();
        for (;;) ::pause();
    }
    const Fd process = std::move(*sys::open_process(child));
    Fd no_terminal;
    StdioRelay stdio;
    beside();
    ReadinessRelay readiness;
    return attend(watch, child, process, no_terminal, stdio, readiness).value_or(-1);
}

TEST(Attend, ReturnsTheExitStatus) {
    in_child([] { EXPECT_EQ(attended([] { ::_exit(3); }, [] {}), 3); });
    in_child([] { EXPECT_EQ(attended([] { ::raise(SIGKILL); }, [] {}), 137); });
}

TEST(Attend, SeesAnEndThatCameBeforeItListened) {
    in_child([] { EXPECT_EQ(attended([] { ::_exit(4); }, [] { sys::pause(30); }), 4); });
}

TEST(Attend, PassesSignalsOn) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGWINCH, SIGRTMIN})
        in_child([signal] {
            const int status =
                attended([] {},
                         [signal] {
                             ::kill(::getpid(), signal);
                             if (signal == SIGWINCH)
                                 ::kill(::getpid(), SIGTERM);  // ignored by default: it needs a second one
                         });
            EXPECT_EQ(status, 128 + (signal == SIGWINCH ? SIGTERM : signal));
        });
}

TEST(Attend, KeepsSomeSignalsForItself) {
    in_child([] {
        const int status = attended([] {},
                                    [] {
                                        for (const int own : {SIGPIPE, SIGURG, SIGCHLD})
                                            ::kill(::getpid(), own);
                                        ::kill(::getpid(), SIGTERM);
                                    });
        EXPECT_EQ(status, 128 + SIGTERM) << "SIGPIPE would have killed it first";
    });
}

TEST(Attend, ReapsOrphansAndWaitsForItsOwn) {
    in_child([] {
        const int status = attended(
            [] {
                if (::fork() == 0) {
                    if (::fork() == 0) {
                        sys::pause(10);
                        ::_exit(1);  // an orphan that comes to us
                    }
                    ::_exit(2);
                }
                sys::pause(60);
                ::_exit(5);
            },
            [] {});
        EXPECT_EQ(status, 5);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to reap";
    });
}

TEST(SignalWatch, IsASubreaperOnlyIfAsked) {
    for (const bool asked : {false, true})
        in_child([asked] {
            const auto watch = SignalWatch::start(asked);
            int subreaper = -1;
            ASSERT_EQ(::prctl(PR_GET_CHILD_SUBREAPER, &subreaper), 0);
            EXPECT_EQ(subreaper != 0, asked);
        });
}

}  // namespace
}  // namespace bulkhead::runtime
