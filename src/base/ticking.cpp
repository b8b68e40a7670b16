// SPDX-License-Identifier: Apache-2.0
#include "base/ticking.hpp"

#include <sys/file.h>

#include <cerrno>

#include "base/sys.hpp"

namespace bulkhead {

namespace {

extern "C" void wake(int) {}

}  // namespace

Ticking::Ticking() {
    struct sigaction action {};
    action.sa_handler = wake;  // without SA_RESTART
    ::sigaction(SIGALRM, &action, &action_before_);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, &mask_before_);
    constexpr timeval tick{0, tick_ms * 1000};
    const itimerval timer{tick, tick};
    ::setitimer(ITIMER_REAL, &timer, &timer_before_);
}

Ticking::~Ticking() {
    ::setitimer(ITIMER_REAL, &timer_before_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    ::sigaction(SIGALRM, &action_before_, nullptr);
}

Result<bool> lock_within(int fd, int patience_ms) {
    LET(const bool free, sys::try_lock(fd, LOCK_EX));
    if (free) return true;
    const Ticking clock;
    const std::uint64_t begin = sys::monotonic_ns();
    while (::flock(fd, LOCK_EX) == -1) {
        if (errno != EINTR) return system_error(errno, "flock");
        if (sys::monotonic_ns() - begin > static_cast<std::uint64_t>(patience_ms) * 1'000'000) return false;
    }
    return true;
}

}  // namespace bulkhead
