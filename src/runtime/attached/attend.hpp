// SPDX-License-Identifier: Apache-2.0
// The foreground of an attached `run`: passes signals and the terminal on, reaps, and returns the exit
// status.
#pragma once

#include <sys/types.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/attached/stdio_relay.hpp"

namespace bulkhead::runtime {

// Blocks the signals that an attached run forwards, so that none is lost before attend() listens. The
// container does not inherit it: the stage resets signals.
class SignalWatch {
  public:
    static Result<SignalWatch> start(bool subreaper);
    int fd() const { return signals_.number(); }

  private:
    Fd signals_;  // signalfd(2)
};

// Returns when init has ended and its last output is delivered, or when nobody has taken a byte of that for
// caller_patience_ms. `process` is its pidfd; `terminal` the pty's master, or none, and closed if the
// caller's side of it hangs up. Every signal but SIGCHLD, SIGPIPE and SIGURG goes to init; with a terminal
// SIGWINCH sets its size instead, and SIGTSTP, SIGTTIN, SIGTTOU and SIGCONT stop and continue the runtime,
// which is then only the container's terminal. If `stdio` relays the caller's terminals, the signals that
// stop do so to init and to the runtime. Returns the code, or 128 + the signal. What `readiness` has to pass
// on names this process as the main one: it ends as the container does.
Result<int> attend(const SignalWatch& watch, pid_t pid, const Fd& process, Fd& terminal, StdioRelay& stdio,
                   ReadinessRelay& readiness);

}  // namespace bulkhead::runtime
