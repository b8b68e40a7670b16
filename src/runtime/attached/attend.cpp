// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/attend.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <iterator>
#include <optional>
#include <utility>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "runtime/attached/terminal.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

namespace {

bool forwarded(int signal) { return signal != SIGCHLD && signal != SIGPIPE && signal != SIGURG; }

class Attendance {
  public:
    Attendance(const SignalWatch& watch, pid_t pid, const Fd& process, Fd& terminal, StdioRelay& stdio,
               ReadinessRelay& readiness)
        : watch_(watch),
          pid_(pid),
          process_(process),
          relay_(terminal),
          stdio_(stdio),
          readiness_(readiness) {}

    Result<int> until_end() {
        TRY(reap());  // it may have ended before the signals were watched
        while (!ended()) TRY(serve());
        relay_.end();
        stdio_.end();
        delivery_ = Deadline(caller_patience_ms);
        while ((relay_.unfinished() || stdio_.unfinished()) && !impatient_ && !overdue()) TRY(serve());
        if (lost_) return std::unexpected(*std::move(lost_));
        return *status_;
    }

  private:
    bool ended() const { return status_ || lost_; }

    // After init's end: true if nobody has taken a byte of its last output for too long.
    bool overdue() {
        const std::uint64_t delivered = relay_.delivered() + stdio_.delivered();
        if (std::exchange(delivered_, delivered) != delivered) delivery_ = Deadline(caller_patience_ms);
        return delivery_.passed();
    }

    Result<> serve() {
        pollfd entries[12] = {{watch_.fd(), POLLIN, 0}, readiness_.input()};
        pollfd *const terminal = entries + 2, *const stdio = entries + 5, *const process = entries + 11;
        *process = {ended() || let_go_ ? -1 : process_.number(), POLLIN, 0};
        std::ranges::copy(relay_.wishes(), terminal);
        std::ranges::copy(stdio_.wishes(), stdio);
        // -1, for ever, is the largest unsigned number.
        const unsigned forever = UINT_MAX, look_ms = let_go_ ? sys::look_ms : ended() ? 1000 : forever;
        const unsigned patience = std::min({look_ms, static_cast<unsigned>(relay_.patience_ms()),
                                            static_cast<unsigned>(stdio_.patience_ms())});
        if (::poll(entries, std::size(entries), static_cast<int>(patience)) == -1) {
            if (errno != EINTR) return system_error(errno, "poll");
            return {};
        }
        const bool lived = !ended();
        if (entries[0].revents != 0) TRY(take_signal());
        if (lived && (process->revents != 0 || let_go_)) TRY(look_at_the_dead());
        // The relay has to hear of the end first, before it takes keys that are for another program now.
        if (lived && ended()) return {};
        TerminalRelay::Wishes of_terminal{};
        std::ranges::copy_n(terminal, 3, of_terminal.begin());
        relay_.serve(of_terminal);
        StdioRelay::Wishes of_stdio{};
        std::ranges::copy_n(stdio, 6, of_stdio.begin());
        stdio_.serve(of_stdio);
        // The runtime stays with the container even if the service manager is gone.
        if (entries[1].revents != 0) (void)readiness_.pass(::getpid());
        return {};
    }

    Result<> take_signal() {
        signalfd_siginfo info{};
        LET(const std::size_t size, sys::read(watch_.fd(), {reinterpret_cast<char*>(&info), sizeof info}));
        if (size != sizeof info) return {};
        const int signal = static_cast<int>(info.ssi_signo);
        if (signal == SIGCHLD) return reap();
        if (relay_.take(signal)) return {};
        if (ended())  // a caller who wants us to end does not want to wait for a reader of the last output
            impatient_ = impatient_ || sys::is_interrupt(signal);
        else if (forwarded(signal))
            (void)sys::signal_process(process_.number(), signal);
        stdio_.stop(signal);
        return {};
    }

    // As a subreaper this process also reaps children that it did not make.
    Result<> reap() {
        for (;;) {
            int status = 0;
            const pid_t child = ::waitpid(-1, &status, WNOHANG);
            if (child <= 0) return {};
            if (child == pid_) status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }

    // A tracer is told of its end first and may keep it; until then this process gets no SIGCHLD.
    Result<> look_at_the_dead() {
        TRY(reap());
        if (!let_go_) let_go_ = Deadline(sys::let_go_ms);
        if (!status_ && let_go_->passed())
            lost_ = Error{Kind::kernel, 0, cat(left_to_init(pid_), ": its exit status is not to be had")};
        if (ended()) let_go_.reset();
        return {};
    }

    const SignalWatch& watch_;
    pid_t pid_;
    const Fd& process_;
    TerminalRelay relay_;
    StdioRelay& stdio_;
    ReadinessRelay& readiness_;
    std::optional<int> status_;
    std::optional<Deadline> let_go_;  // for its tracer, once it has ended
    std::optional<Error> lost_;       // it has ended, and its exit status cannot be read
    bool impatient_ = false;
    std::uint64_t delivered_ = 0;  // bytes of the last output
    Deadline delivery_;            // of the next ones
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

Result<int> attend(const SignalWatch& watch, pid_t pid, const Fd& process, Fd& terminal, StdioRelay& stdio,
                   ReadinessRelay& readiness) {
    return Attendance(watch, pid, process, terminal, stdio, readiness).until_end();
}

}  // namespace bulkhead::runtime
