// SPDX-License-Identifier: Apache-2.0
// The caller's terminal and the container's, joined: bytes both ways, raw mode, size.
#pragma once

#include <poll.h>
#include <termios.h>

#include <optional>

namespace bulkhead::runtime {

// Between descriptors 0 and 1 and the master of a pty. Puts the caller's terminal into raw mode and restores
// it when it goes. Does nothing where `master` is negative.
class TerminalRelay {
  public:
    explicit TerminalRelay(int master);
    TerminalRelay(const TerminalRelay&) = delete;
    TerminalRelay& operator=(const TerminalRelay&) = delete;
    ~TerminalRelay();

    bool active() const { return master_ >= 0; }
    pollfd input() const { return {input_open_ && active() ? 0 : -1, POLLIN, 0}; }
    pollfd output() const { return {output_open_ ? master_ : -1, POLLIN, 0}; }

    void pass_input();    // caller -> container
    void pass_output();   // container -> caller
    void resize() const;  // the caller's size to the container
    void drain();         // what the container wrote before it ended

  private:
    int master_;
    bool input_open_ = true;
    bool output_open_ = true;
    std::optional<termios> saved_;  // of the caller's terminal
};

}  // namespace bulkhead::runtime
