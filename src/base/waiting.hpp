// SPDX-License-Identifier: Apache-2.0
// Waits for a process, a descriptor or a moment, always with a bound. A signal that asks this process to end
// (HUP, INT, QUIT, TERM) ends it at once, as long as there is nothing to undo. A verb that has something to
// undo blocks such signals; then they end its waits, as errors.
#pragma once

#include <algorithm>
#include <array>
#include <csignal>

#include "base/error.hpp"

namespace bulkhead::sys {

inline constexpr std::array interrupts{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
constexpr bool is_interrupt(int signal) { return std::ranges::find(interrupts, signal) != interrupts.end(); }

// Blocks these signals (sigprocmask(2)) until heed_interrupts() takes one, or the process ends.
void hold_interrupts();
// Unblocks them when the verb is done: a pending one ends the process.
void release_interrupts();

// Blocks them for a part of a verb, and restores the mask afterwards.
class HeldInterrupts {
  public:
    HeldInterrupts();
    HeldInterrupts(const HeldInterrupts&) = delete;
    HeldInterrupts& operator=(const HeldInterrupts&) = delete;
    ~HeldInterrupts();

  private:
    sigset_t before_;
};

// Takes a pending one: Kind::interrupted, "interrupted by signal N". A signal that the caller ignores does
// not count.
Result<> heed_interrupts();
// Ends this process by the signal, as a shell expects of a program that was interrupted and has cleared up.
[[noreturn]] void end_by(int signal);

// How long a wait sleeps before it looks if it is interrupted.
inline constexpr int look_ms = 50;

// poll(2) for POLLIN on one descriptor; false if so many milliseconds passed first. Kind::interrupted.
Result<bool> wait_readable(int fd, int deadline_ms);

void pause(int milliseconds);

struct Ending {
    int value = 0;  // the exit status, or the number of the signal
    bool by_signal = false;
};
// Waits until a child has ended, and reaps it. ETIMEDOUT if it has not ended within the time, or if it has
// ended and its tracer keeps it: it waits only `let_go_ms` for the tracer. Signals do not interrupt it,
// because the caller has killed the child and needs its end.
Result<Ending> wait_ending(int pidfd, int deadline_ms);
// As a shell counts it: the code, or 128 + the signal.
Result<int> wait_process(int pidfd, int deadline_ms);

inline constexpr int let_go_ms = 1'000;

}  // namespace bulkhead::sys
