// SPDX-License-Identifier: Apache-2.0
// The caller's terminals on descriptors 0 to 2 of a container that has no terminal of its own. A process that
// has a terminal can change its settings, read keys that are for others, and push characters into its input
// (TIOCSTI). So the container gets pipes instead, and the runtime passes the bytes on.
#pragma once

#include <poll.h>

#include <array>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/attached/terminal.hpp"

namespace bulkhead::runtime {

// Without begin(), or without a terminal on 0 to 2, nothing here has an effect. Terminals keep their
// settings.
class StdioRelay {
  public:
    StdioRelay() = default;
    StdioRelay(const StdioRelay&) = delete;
    StdioRelay& operator=(const StdioRelay&) = delete;
    ~StdioRelay() { restore(); }

    // Puts the end of a new pipe in the place of each terminal on 0 to 2; everything else stays there.
    Result<> begin();
    // Puts the terminals back; processes that were born meanwhile have the pipes. From then on the relay can
    // serve.
    void restore();

    // For each of 0 to 2: the caller's terminal and the container's pipe.
    using Wishes = std::array<pollfd, 6>;

    bool active() const { return active_; }
    Wishes wishes() const;
    // Until serve() has something to do even if none of the wishes is possible; -1: never.
    int patience_ms() const;
    // Moves the bytes that poll(2) found to be possible. In the background it reads no keys, and on a
    // terminal with TOSTOP the kernel stops us, as everybody who writes to it.
    void serve(const Wishes& found);
    // Stops this process as SIGTSTP, SIGTTIN and SIGTTOU stop a program that works with a terminal; returns
    // when it is continued.
    void stop(int signal) const;

    // The main process has ended: from now on only what was written before that is passed on.
    void end();
    // True if there may be more of that. After end() it becomes false as fast as the terminal takes bytes.
    bool unfinished() const;
    // Bytes that the terminals on 1 and 2 have taken.
    std::uint64_t delivered() const;

  private:
    struct Stream {
        int number = 0;
        Fd kept;               // the caller's, as long as a pipe is in its place
        Fd own;                // the same terminal once more, non-blocking; none if that cannot be had
        Fd pipe;               // our end; none once no byte can go through it any more
        Flow flow = {};        // what is underway
        std::size_t left = 0;  // bytes of before the end that are still in the pipe

        int terminal() const { return own ? own.number() : number; }
        void give_up();
    };

    static Result<> divert(Stream& stream);
    bool wants_keys() const;
    void take_keys();
    void pass_keys();
    void take_output(Stream& stream) const;
    static void pass_output(Stream& stream);

    std::array<Stream, 3> streams_{Stream{.number = 0}, Stream{.number = 1}, Stream{.number = 2}};
    bool active_ = false;
    bool has_keys_ = true;  // false once descriptor 0 has come to its end
    bool ended_ = false;
};

}  // namespace bulkhead::runtime
