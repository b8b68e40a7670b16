// SPDX-License-Identifier: Apache-2.0
#include "base/waiting.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/deadline.hpp"

namespace bulkhead::sys {

namespace {

// Returns the mask from before.
sigset_t mask_interrupts(int how) {
    sigset_t set, before;
    ::sigemptyset(&set);
    for (const int signal : interrupts) ::sigaddset(&set, signal);
    ::sigprocmask(how, &set, &before);
    return before;
}

// True if the caller ignores the signal (nohup(1)). A blocked signal is pending even then.
bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// The ending of the child, which is reaped; nullopt if it cannot be reaped (yet).
Result<std::optional<Ending>> reap(int pidfd) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) == -1)
        return system_error(errno, "waitid");
    if (info.si_pid == 0) return std::nullopt;
    return Ending{info.si_status, info.si_code != CLD_EXITED};
}

// Waits for POLLIN within the time, even if signals interrupt it.
Result<bool> poll_until(int fd, const Deadline& deadline) {
    pollfd entry{fd, POLLIN, 0};
    for (;;) {
        const int ready = ::poll(&entry, 1, deadline.left_ms());
        if (ready >= 0) return ready > 0;
        if (errno != EINTR) return system_error(errno, "poll");
    }
}

}  // namespace

void hold_interrupts() { (void)mask_interrupts(SIG_BLOCK); }

void release_interrupts() { (void)mask_interrupts(SIG_UNBLOCK); }

HeldInterrupts::HeldInterrupts() : before_(mask_interrupts(SIG_BLOCK)) {}

HeldInterrupts::~HeldInterrupts() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

Result<> heed_interrupts() {
    sigset_t pending;
    ::sigpending(&pending);
    for (const int signal : interrupts) {
        if (::sigismember(&pending, signal) != 1 || is_ignored(signal)) continue;
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, signal);
        constexpr timespec at_once{};
        ::sigtimedwait(&one, nullptr, &at_once);
        return std::unexpected(Error{Kind::interrupted, 0, cat("interrupted by signal ", signal), signal});
    }
    return {};
}

void end_by(int signal) {
    (void)std::signal(signal, SIG_DFL);
    release_interrupts();
    (void)::raise(signal);
    ::_exit(128 + signal);  // only pid 1 of a pid namespace gets here: the kernel does not deliver its own
                            // signals to it
}

// Waits in short pieces, because a signal may come between the check and the sleep.
Result<bool> wait_readable(int fd, int deadline_ms) {
    const Deadline deadline(deadline_ms);
    for (;;) {
        LET(const bool ready, poll_until(fd, Deadline(std::min(deadline.left_ms(), look_ms))));
        if (ready) return true;
        TRY(heed_interrupts());
        if (deadline.passed()) return false;
    }
}

void pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

Result<Ending> wait_ending(int pidfd, int deadline_ms) {
    LET(const bool ended, poll_until(pidfd, Deadline(deadline_ms)));
    constexpr int look_again_ms = 5;
    for (const Deadline let_go(ended ? let_go_ms : 0);; pause(look_again_ms)) {
        LET(const auto ending, reap(pidfd));
        if (ending) return *ending;
        if (let_go.passed()) return system_error(ETIMEDOUT, "waitid");
    }
}

Result<int> wait_process(int pidfd, int deadline_ms) {
    LET(const Ending ending, wait_ending(pidfd, deadline_ms));
    return ending.by_signal ? 128 + ending.value : ending.value;
}

}  // namespace bulkhead::sys
