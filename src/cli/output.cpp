// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "base/ticking.hpp"

namespace bulkhead::cli {

namespace {

class PipeSignalIgnored {
  public:
    PipeSignalIgnored() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &before_);
    }
    PipeSignalIgnored(const PipeSignalIgnored&) = delete;
    PipeSignalIgnored& operator=(const PipeSignalIgnored&) = delete;
    ~PipeSignalIgnored() { ::sigaction(SIGPIPE, &before_, nullptr); }

  private:
    struct sigaction before_ {};
};

// One write(2) that gives up within a tick; 0: nothing was taken.
Result<std::size_t> write_for_a_tick(int fd, std::string_view text) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) return 0;
    if (errno != EAGAIN) return system_error(errno, "write");
    pollfd room{fd, POLLOUT, 0};  // the caller made it non-blocking
    ::poll(&room, 1, Ticking::tick_ms);
    return 0;
}

// The byte is inside a UTF-8 sequence.
bool continues(char letter) { return (static_cast<unsigned char>(letter) & 0xc0) == 0x80; }

// The longest prefix of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view head(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = limit;
    while (end > limit - 4 && continues(text[end])) --end;
    return text.substr(0, end);
}

bool wants_backslash(char letter) { return letter == '"' || letter == '\\'; }

// The number of bytes of well-formed UTF-8, in the order of the range, that fit into `limit` within quotes.
template <class Bytes>
std::size_t fitting(const Bytes& bytes, std::size_t limit) {
    std::size_t count = 0;
    for (const char letter : bytes) {
        const std::size_t size = wants_backslash(letter) ? 2 : 1;
        if (size > limit) break;
        limit -= size;
        ++count;
    }
    return count;
}

// The middle is left out: engines match on the beginning and on the end.
std::string bounded(std::string line) {
    constexpr std::string_view gap = " ... ";
    constexpr std::size_t half = (message_limit - gap.size()) / 2;
    if (fitting(line, message_limit) == line.size()) return line;
    std::size_t begin = fitting(line, half);
    while (continues(line[begin])) --begin;
    std::size_t end = line.size() - fitting(std::string(line.rbegin(), line.rend()), half);
    while (continues(line[end])) ++end;
    return line.replace(begin, end - begin, gap);
}

}  // namespace

Result<> fill_standard_descriptors() {
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
        if (::fcntl(number, F_GETFD) != -1) continue;
        LET(Fd null, sys::open("/dev/null", O_RDWR));  // takes the lowest free number: this one
        (void)::fcntl(null.release(), F_SETFD, 0);     // the container inherits it
    }
    return {};
}

Result<> write_out(int fd, std::string_view text) {
    const PipeSignalIgnored guard;
    const Ticking clock;
    Deadline deadline(caller_patience_ms);
    while (!text.empty()) {
        const auto count = write_for_a_tick(fd, text);
        if (!count && count.error().err == EBADF) return {};
        if (!count) return std::unexpected(count.error());
        text.remove_prefix(*count);
        if (*count > 0) deadline = Deadline(caller_patience_ms);
        if (deadline.passed())
            return fail(Kind::kernel, "write: nobody has read for ", caller_patience_ms / 1000, " s");
    }
    return {};
}

std::string one_line(std::string_view text) {
    std::string line;
    // quotable cuts at 256 bytes; 60 bytes never grow beyond that, even if each becomes \xNN.
    while (!text.empty()) {
        const std::string_view piece = head(text, 60);
        line.append(quotable(piece));
        text.remove_prefix(piece.size());
    }
    return bounded(std::move(line));
}

}  // namespace bulkhead::cli
