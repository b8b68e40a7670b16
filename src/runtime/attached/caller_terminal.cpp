// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/caller_terminal.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace bulkhead::runtime {

namespace {

// The signals that SignalWatch leaves unblocked, because they mean that this program is broken.
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};

// Everything that a signal handler can reach, written before the handlers are installed.
constinit struct Rescue {
    termios settings;
    std::array<struct sigaction, fatal_signals.size()> before;  // a sanitizer has its own
    alignas(16) std::array<char, 16384> stack;                  // SIGSEGV may mean that the other is used up
} rescue{};

// tcsetattr is one ioctl and async-signal-safe (POSIX.1).
extern "C" void restore_and_die(int signal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &rescue.settings);
    const auto* const found = std::ranges::find(fatal_signals, signal);
    ::sigaction(signal, &rescue.before[static_cast<std::size_t>(found - fatal_signals.begin())], nullptr);
    (void)::raise(signal);  // blocked until we return
}

void arm(const termios& settings) {
    rescue.settings = settings;
    stack_t stack{};
    stack.ss_sp = rescue.stack.data();
    stack.ss_size = rescue.stack.size();
    ::sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_handler = restore_and_die;
    action.sa_flags = SA_ONSTACK;
    for (std::size_t i = 0; i < fatal_signals.size(); ++i)
        ::sigaction(fatal_signals[i], &action, &rescue.before[i]);
}

void disarm() {
    for (std::size_t i = 0; i < fatal_signals.size(); ++i)
        ::sigaction(fatal_signals[i], &rescue.before[i], nullptr);
}

bool equal(const termios& a, const termios& b) {
    return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
           a.c_lflag == b.c_lflag && std::ranges::equal(a.c_cc, b.c_cc);
}

// The kernel's rule for those who change a terminal from the background (tty_ioctl(4)), applied before we
// look at settings that belong to the job that is in the foreground now.
void await_foreground() {
    struct sigaction action {};
    ::sigaction(SIGTTOU, nullptr, &action);
    if (action.sa_handler == SIG_IGN || !in_background()) return;
    const UnblockedSignal now(SIGTTOU);
    ::kill(0, SIGTTOU);
}

}  // namespace

void CallerTerminal::enter() {
    await_foreground();
    termios settings{};
    if (::tcgetattr(STDIN_FILENO, &settings) == -1) return;
    // After a SIGSTOP, which cannot be caught, the settings may still be the raw ones.
    const termios before = saved_ && equal(settings, raw_) ? *saved_ : settings;
    settings = before;
    ::cfmakeraw(&settings);
    if (saved_) disarm();
    arm(before);
    saved_ = before;
    const UnblockedSignal background(SIGTTOU);  // of an orphaned group the kernel refuses it with EIO
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 && ::tcgetattr(STDIN_FILENO, &raw_) == 0) return;
    disarm();
    saved_.reset();
}

void CallerTerminal::leave() {
    if (!saved_) return;
    disarm();
    termios now{};
    const bool others = ::tcgetattr(STDIN_FILENO, &now) == 0 && in_background() && !equal(now, raw_);
    if (!others) ::tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
    saved_.reset();
}

void CallerTerminal::stop(int signal) {
    leave();
    (void)::raise(signal);
    const UnblockedSignal now(signal);
}

UnblockedSignal::UnblockedSignal(int signal) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ::sigprocmask(SIG_UNBLOCK, &set, &before_);
}

UnblockedSignal::~UnblockedSignal() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

bool in_background() {
    const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
    return foreground > 0 && foreground != ::getpgrp();
}

std::optional<winsize> caller_size() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        winsize size{};
        if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && (size.ws_row != 0 || size.ws_col != 0)) return size;
    }
    return std::nullopt;
}

void look_at_caller_size(plan::HostFacts& host) {
    const winsize size = caller_size().value_or(winsize{});
    host.rows = size.ws_row;
    host.columns = size.ws_col;
}

}  // namespace bulkhead::runtime
