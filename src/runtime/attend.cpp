// SPDX-License-Identifier: Apache-2.0
#include "runtime/attend.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/sys.hpp"
#include "runtime/terminal.hpp"

namespace bulkhead::runtime {

namespace {

bool forwarded(int signal) { return signal != SIGCHLD && signal != SIGPIPE && signal != SIGURG; }

class Attendance {
  public:
    Attendance(const SignalWatch& watch, pid_t pid, const Fd& process, const Fd& terminal,
               ReadinessRelay& readiness)
        : watch_(watch), pid_(pid), process_(process), relay_(terminal.number()), readiness_(readiness) {}

    Result<int> until_end() {
        TRY(reap());  // it may have ended before anybody listened
        while (!status_) {
            pollfd entries[4] = {
                {watch_.fd(), POLLIN, 0}, relay_.input(), relay_.output(), readiness_.input()};
            if (::poll(entries, 4, -1) == -1 && errno != EINTR) return system_error(errno, "poll");
            if (entries[1].revents != 0) relay_.pass_input();
            if (entries[2].revents != 0) relay_.pass_output();
            // A service manager that is gone is no reason to leave the container alone.
            if (entries[3].revents != 0) (void)readiness_.pass(::getpid());
            if (entries[0].revents != 0) TRY(take_signal());
        }
        relay_.drain();
        return *status_;
    }

  private:
    Result<> take_signal() {
        signalfd_siginfo info{};
        LET(const std::size_t size, sys::read(watch_.fd(), {reinterpret_cast<char*>(&info), sizeof info}));
        if (size != sizeof info) return {};
        const int signal = static_cast<int>(info.ssi_signo);
        if (signal == SIGCHLD) return reap();
        if (signal == SIGWINCH && relay_.active()) {
            relay_.resize();
            return {};
        }
        if (forwarded(signal)) (void)sys::signal_process(process_.number(), signal);
        return {};
    }

    // As a subreaper we also get children that are not ours.
    Result<> reap() {
        for (;;) {
            int status = 0;
            const pid_t child = ::waitpid(-1, &status, WNOHANG);
            if (child <= 0) return {};
            if (child == pid_) status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }

    const SignalWatch& watch_;
    pid_t pid_;
    const Fd& process_;
    TerminalRelay relay_;
    ReadinessRelay& readiness_;
    std::optional<int> status_;
};

}  // namespace

Result<SignalWatch> SignalWatch::start(bool subreaper) {
    sigset_t all;
    ::sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT}) ::sigdelset(&all, own);
    if (::sigprocmask(SIG_BLOCK, &all, nullptr) == -1) return system_error(errno, "sigprocmask");
    SignalWatch watch;
    watch.signals_ = Fd(::signalfd(-1, &all, SFD_CLOEXEC));
    if (!watch.signals_) return system_error(errno, "signalfd");
    if (subreaper && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) return system_error(errno, "prctl");
    return watch;
}

Result<int> attend(const SignalWatch& watch, pid_t pid, const Fd& process, const Fd& terminal,
                   ReadinessRelay& readiness) {
    return Attendance(watch, pid, process, terminal, readiness).until_end();
}

}  // namespace bulkhead::runtime
