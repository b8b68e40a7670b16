// SPDX-License-Identifier: Apache-2.0
#include "base/ticking.hpp"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "base/deadline.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"

namespace bulkhead {

namespace {

extern "C" void wake(int) {}

// The rest of a timer after that time; never zero, which would disarm it.
void shorten(timeval& left, std::uint64_t elapsed_ns) {
    if (left.tv_sec == 0 && left.tv_usec == 0) return;
    const std::int64_t now_us =
        std::int64_t{left.tv_sec} * 1'000'000 + left.tv_usec - static_cast<std::int64_t>(elapsed_ns / 1000);
    const std::int64_t left_us = std::max<std::int64_t>(now_us, 1);
    left = {left_us / 1'000'000, left_us % 1'000'000};
}

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
    begin_ = sys::monotonic_ns();
}

Ticking::~Ticking() {
    constexpr itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    ::sigaction(SIGALRM, &action_before_, nullptr);
    shorten(timer_before_.it_value, sys::monotonic_ns() - begin_);
    ::setitimer(ITIMER_REAL, &timer_before_, nullptr);
}

Result<bool> lock_within(int fd, int patience_ms) {
    LET(const bool free, sys::try_lock(fd, LOCK_EX));
    if (free) return true;
    const Ticking clock;
    const Deadline deadline(patience_ms);
    while (::flock(fd, LOCK_EX) == -1) {
        if (errno != EINTR) return system_error(errno, "flock");
        TRY(sys::heed_interrupts());
        if (deadline.passed()) return false;
    }
    return true;
}

}  // namespace bulkhead
