// SPDX-License-Identifier: Apache-2.0
// Joins the caller's terminal and the container's: bytes both ways, size, hang-up and end of input.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/attached/caller_terminal.hpp"

namespace bulkhead::runtime {

// Bytes between two descriptors, at most a buffer full. Nothing here waits.
class Flow {
  public:
    bool empty() const { return begin_ == end_; }
    bool has_room() const { return empty() || end_ < capacity; }
    std::string_view pending() const { return {bytes_.data() + begin_, end_ - begin_}; }

    // One read(2) into the room that is left; 0: the end.
    Result<std::size_t> fill(int from);
    // Adds bytes, as far as there is room.
    void add(std::string_view bytes);
    // One write(2) of at most `most` bytes. EAGAIN is no error.
    Result<> pour(int into, std::size_t most = capacity);
    void discard() { begin_ = end_ = 0; }
    std::uint64_t poured() const { return poured_; }  // bytes, from the beginning

  private:
    static constexpr std::size_t capacity = 65536;

    std::span<char> room();

    std::vector<char> bytes_;  // none until there is something to hold
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t poured_ = 0;
};

// Opens the caller's descriptor again, so that the new one may be non-blocking. (That flag is shared by
// everybody who has the caller's own open file, and would outlive us.) access: O_RDONLY or O_WRONLY. None if
// there is no way to open it again, or if it never waits (regular files).
Fd reopened(int fd, int access);

// Between descriptors 0 and 1 and the master of a pty. Puts the caller's terminal into raw mode and restores
// it when it goes. Does nothing if there is no master. When nobody can take the output any more, or the
// caller's terminal hangs up, so does the container's: `master` is closed.
class TerminalRelay {
  public:
    explicit TerminalRelay(Fd& master);
    TerminalRelay(const TerminalRelay&) = delete;
    TerminalRelay& operator=(const TerminalRelay&) = delete;

    // The caller's input, the container's terminal, the caller's output.
    using Wishes = std::array<pollfd, 3>;

    bool active() const { return static_cast<bool>(master_); }
    Wishes wishes() const;
    // Until serve() has something to do even if none of the wishes is possible; -1: never.
    int patience_ms() const;
    // Moves the bytes that poll(2) found to be possible.
    void serve(const Wishes& found);
    // Takes a signal that is meant for the program that has the terminal; false if it is not.
    bool take(int signal);

    // The main process has ended: from now on only what was written before that is passed on.
    void end();
    // True if there may be more of that. After end() it becomes false as fast as descriptor 1 takes bytes.
    bool unfinished() const;
    // Bytes that descriptor 1 has taken.
    std::uint64_t delivered() const { return output_.poured(); }

  private:
    void take_input(short events);
    void pass_input();
    void take_output();
    void pass_output();
    void say_end_of_input();
    void hang_up();
    void resize() const;

    Fd& master_;
    Fd own_input_, own_output_;  // 0 and 1 once more, non-blocking; none if that cannot be had
    bool input_is_terminal_ = false;
    bool input_open_ = true;
    bool output_open_ = true;  // false also once all is read, after end()
    bool ended_ = false;
    std::size_t left_ = 0;  // bytes that may still be of before the end
    std::uint64_t output_due_ =
        0;                       // the time to look again at a terminal that nobody has open; 0: it is open
    std::uint64_t end_due_ = 0;  // the time to send the end of input again; 0: it has not ended
    int end_pause_ms_ = 25;
    Flow input_, output_;
    CallerTerminal caller_;
};

}  // namespace bulkhead::runtime
