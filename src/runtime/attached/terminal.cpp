// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sys.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr int look_again_ms = 100;  // at a terminal that nobody has open
constexpr int longest_end_pause_ms = 1000;
// A pty of Linux holds 8 KiB on the way to the master and 4 KiB in front of it (pty.c, n_tty.c).
constexpr std::size_t more_than_a_pty_holds = 65536;
// The size of a write to a shared, blocking descriptor: a pipe takes this much when poll(2) finds it ready.
constexpr std::size_t safe_write = 4096;

bool again(const Error& error) { return error.err == EAGAIN; }

std::uint64_t in_ms(int milliseconds) {
    return sys::monotonic_ns() + static_cast<std::uint64_t>(milliseconds) * ns_per_ms;
}

// The character that is the end of input for this terminal's line discipline.
char end_character(int master) {
    constexpr char control_d = 4;
    termios settings{};
    const bool known = ::tcgetattr(master, &settings) == 0 && settings.c_cc[VEOF] != _POSIX_VDISABLE;
    return known ? static_cast<char>(settings.c_cc[VEOF]) : control_d;
}

}  // namespace

// A socket cannot be opened again, and opening a pty's master makes a new pty.
Fd reopened(int fd, int access) {
    struct stat status {};
    if (::fstat(fd, &status) == -1 || (!S_ISFIFO(status.st_mode) && ::isatty(fd) != 1)) return {};
    if (unsigned number = 0; ::ioctl(fd, TIOCGPTN, &number) == 0) return {};
    auto opened = sys::open(cat("/proc/self/fd/", fd), access | O_NONBLOCK | O_NOCTTY);
    return opened ? std::move(*opened) : Fd();
}

std::span<char> Flow::room() {
    if (bytes_.empty()) bytes_.resize(capacity);
    if (empty()) discard();
    return std::span(bytes_).subspan(end_);
}

Result<std::size_t> Flow::fill(int from) {
    const auto count = sys::read(from, room());
    end_ += count.value_or(0);
    return count;
}

void Flow::add(std::string_view bytes) {
    const std::span<char> place = room();
    const std::size_t count = std::min(place.size(), bytes.size());
    std::ranges::copy(bytes.substr(0, count), place.begin());
    end_ += count;
}

Result<> Flow::pour(int into, std::size_t most) {
    const auto count = sys::write(into, pending().substr(0, most));
    if (!count && again(count.error())) return {};
    if (!count) return std::unexpected(count.error());
    begin_ += *count;
    poured_ += *count;
    return {};
}

TerminalRelay::TerminalRelay(Fd& master) : master_(master), input_open_(active()), output_open_(active()) {
    if (!active()) return;
    // This is the only open file of the master, because the stage's copy is closed.
    ::fcntl(master_.number(), F_SETFL, O_NONBLOCK);
    input_is_terminal_ = ::isatty(STDIN_FILENO) == 1;
    own_input_ = reopened(STDIN_FILENO, O_RDONLY);
    own_output_ = reopened(STDOUT_FILENO, O_WRONLY);
    caller_.enter();
    resize();
}

TerminalRelay::Wishes TerminalRelay::wishes() const {
    const bool listens = input_open_ && input_.has_room();
    const bool reads = output_open_ && output_.has_room() && output_due_ == 0;
    const bool feeds = active() && !input_.empty() && output_due_ == 0;
    const auto container = static_cast<short>((reads ? POLLIN : 0) | (feeds ? POLLOUT : 0));
    const int output = own_output_ ? own_output_.number() : STDOUT_FILENO;
    return {pollfd{listens ? STDIN_FILENO : -1, POLLIN, 0},
            pollfd{container != 0 ? master_.number() : -1, container, 0},
            pollfd{output_.empty() ? -1 : output, POLLOUT, 0}};
}

int TerminalRelay::patience_ms() const {
    std::uint64_t due = 0;
    for (const std::uint64_t each : {output_due_, end_due_})
        if (each != 0 && (due == 0 || each < due)) due = each;
    if (ended_ && output_open_ && output_.has_room()) return 0;
    if (due == 0) return -1;
    const std::uint64_t now = sys::monotonic_ns();
    return due <= now ? 0 : static_cast<int>((due - now) / ns_per_ms) + 1;
}

void TerminalRelay::serve(const Wishes& found) {
    if (found[0].revents != 0) take_input(found[0].revents);
    if (active() && end_due_ != 0 && end_due_ <= sys::monotonic_ns()) say_end_of_input();
    if (output_due_ != 0 && output_due_ <= sys::monotonic_ns()) output_due_ = 0;
    if (active() && !input_.empty()) pass_input();
    if (found[1].revents != 0 || ended_) take_output();
    if (!output_.empty() && (own_output_ || found[2].revents != 0)) pass_output();
}

void TerminalRelay::take_input(short events) {
    const UnblockedSignal stops(SIGTTIN);  // in the background, as every other program
    const auto count = input_.fill(own_input_ ? own_input_.number() : STDIN_FILENO);
    if (count ? *count > 0 : again(count.error())) return;
    if (input_is_terminal_ && (events & POLLHUP) != 0) return hang_up();
    input_open_ = false;
    end_due_ = sys::monotonic_ns();
}

void TerminalRelay::pass_input() {
    if (!input_.pour(master_.number())) input_.discard();
}

void TerminalRelay::take_output() {
    if (!output_open_ || !output_.has_room()) return;
    const auto count = output_.fill(master_.number());
    if (!count && again(count.error())) {
        output_open_ = !ended_;
        return;
    }
    if (!count || *count == 0) {
        // EIO: no process has the terminal open now. A process may open it again.
        output_open_ = !ended_;
        output_due_ = in_ms(look_again_ms);
        return;
    }
    if (!ended_) return;
    left_ -= std::min(left_, *count);
    output_open_ = left_ > 0;
}

void TerminalRelay::pass_output() {
    const auto poured =
        own_output_ ? output_.pour(own_output_.number()) : output_.pour(STDOUT_FILENO, safe_write);
    if (poured) return;
    output_.discard();
    hang_up();
}

// A file tells every reader that it has ended, a line discipline only one. So the end is sent again whenever
// somebody has read it: a shell that changes the mode before it reads would otherwise miss it.
void TerminalRelay::say_end_of_input() {
    end_due_ = in_ms(end_pause_ms_);
    end_pause_ms_ = std::min(2 * end_pause_ms_, longest_end_pause_ms);
    if (!input_.empty()) return;
    const Fd container(::ioctl(master_.number(), TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    pollfd unread{container.number(), POLLIN, 0};
    if (::poll(&unread, 1, 0) == 1) return;
    const char end = end_character(master_.number());
    input_.add({&end, 1});
}

// Bytes that are underway to descriptor 1 still get there. The caller's terminal is restored, because nobody
// listens to its keys any more, and Ctrl-C must be a signal again.
void TerminalRelay::hang_up() {
    caller_.leave();
    master_.reset();
    input_open_ = output_open_ = false;
    output_due_ = end_due_ = 0;
    input_.discard();
}

bool TerminalRelay::take(int signal) {
    if (!active()) return false;
    const bool stops = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    if (!stops && signal != SIGCONT && signal != SIGWINCH) return false;
    if (stops) caller_.stop(signal);
    if (ended_) return true;  // there are no keys to pass on any more
    if (signal != SIGWINCH) caller_.enter();
    resize();  // after a stop, too: what happened meanwhile was told to the job in the foreground
    return true;
}

void TerminalRelay::end() {
    ended_ = true;
    input_open_ = false;
    output_open_ = active();  // also if nobody had the terminal open a moment ago
    input_.discard();
    output_due_ = end_due_ = 0;
    left_ = more_than_a_pty_holds;
}

bool TerminalRelay::unfinished() const { return output_open_ || !output_.empty(); }

void TerminalRelay::resize() const {
    if (const auto size = caller_size()) ::ioctl(master_.number(), TIOCSWINSZ, &*size);
}

}  // namespace bulkhead::runtime
