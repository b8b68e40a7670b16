// SPDX-License-Identifier: Apache-2.0
// The terminal below descriptor 0: raw while a container's terminal is shown on it, and restored however that
// ends.
#pragma once

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <optional>

#include "plan/host_facts.hpp"

namespace bulkhead::runtime {

// If descriptor 0 is no terminal, nothing here has an effect. Only one may be raw at a time: the settings
// from before are also where the handlers of SIGSEGV, SIGABRT and their like find them. Nobody can catch
// SIGKILL.
class CallerTerminal {
  public:
    CallerTerminal() = default;
    CallerTerminal(const CallerTerminal&) = delete;
    CallerTerminal& operator=(const CallerTerminal&) = delete;
    ~CallerTerminal() { leave(); }

    // Raw mode. A process group in the background is stopped first, as every terminal program is, unless the
    // caller ignores SIGTTOU. May be called again, when something may have changed the settings.
    void enter();
    // Restores the settings from before, unless another program has the terminal now and has set its own.
    void leave();

    // Does what SIGTSTP and its like ask of a program that has the terminal raw: leaves, and stops by the
    // signal's default action. Returns when it is continued.
    void stop(int signal);

  private:
    std::optional<termios> saved_;
    termios raw_{};  // as the terminal took it
};

// While it lives, a signal may act on this process, by its default action or as the caller chose.
class UnblockedSignal {
  public:
    explicit UnblockedSignal(int signal);
    UnblockedSignal(const UnblockedSignal&) = delete;
    UnblockedSignal& operator=(const UnblockedSignal&) = delete;
    ~UnblockedSignal();

  private:
    sigset_t before_;
};

// True if another process group of this session has the terminal below descriptor 0.
bool in_background();

// The size of the first terminal on 0 to 2 that has one; none if it says 0 by 0.
std::optional<winsize> caller_size();
// Puts the same into the facts, for a container's terminal that the runtime attends to.
void look_at_caller_size(plan::HostFacts& host);

}  // namespace bulkhead::runtime
