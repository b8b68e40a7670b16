// SPDX-License-Identifier: Apache-2.0
// A deadline for system calls that have none: flock(2), and write(2) to a file that somebody else has opened.
#pragma once

#include <sys/time.h>

#include <csignal>
#include <cstdint>

#include "base/error.hpp"

namespace bulkhead {

// While it lives, no system call sleeps for longer than a tick, but ends with EINTR: SIGALRM comes again and
// again, so that it does not matter if one comes before the call. Only one may live at a time. Afterwards the
// process's own handling of SIGALRM and its alarm are restored; an alarm that was due meanwhile comes then.
class Ticking {
  public:
    static constexpr int tick_ms = 100;

    Ticking();
    Ticking(const Ticking&) = delete;
    Ticking& operator=(const Ticking&) = delete;
    ~Ticking();

  private:
    struct sigaction action_before_ {};
    sigset_t mask_before_{};
    itimerval timer_before_{};
    std::uint64_t begin_ = 0;
};

// flock(2) for writing, as soon as nobody else has it; false if somebody keeps it for `patience_ms`.
Result<bool> lock_within(int fd, int patience_ms);

}  // namespace bulkhead
