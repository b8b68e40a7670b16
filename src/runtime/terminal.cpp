// SPDX-License-Identifier: Apache-2.0
#include "runtime/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

#include "base/sys.hpp"

namespace bulkhead::runtime {

namespace {

constexpr char end_of_input = 4;  // Ctrl-D, what a line discipline takes for the end

}  // namespace

TerminalRelay::TerminalRelay(int master) : master_(master), output_open_(master >= 0) {
    if (!active()) return;
    termios settings{};
    if (::tcgetattr(STDIN_FILENO, &settings) == -1) return;  // not a terminal: bytes are passed as they are
    saved_ = settings;
    ::cfmakeraw(&settings);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &settings);
    resize();
}

TerminalRelay::~TerminalRelay() {
    if (saved_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
}

void TerminalRelay::pass_input() {
    std::array<char, 4096> buffer;
    const auto count = sys::read(STDIN_FILENO, buffer);
    if (count && *count > 0) {
        (void)sys::write_all(master_, {buffer.data(), *count});
        return;
    }
    input_open_ = false;
    (void)sys::write(master_, {&end_of_input, 1});
}

void TerminalRelay::pass_output() {
    std::array<char, 4096> buffer;
    const auto count = sys::read(master_, buffer);  // EIO: the last process has closed its end
    output_open_ = count && *count > 0 && sys::write_all(STDOUT_FILENO, {buffer.data(), *count});
}

void TerminalRelay::resize() const {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(master_, TIOCSWINSZ, &size);
}

void TerminalRelay::drain() {
    pollfd entry = output();
    while (output_open_ && ::poll(&entry, 1, 0) == 1) pass_output();
}

}  // namespace bulkhead::runtime
