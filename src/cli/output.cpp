// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "base/sys.hpp"
#include "base/text.hpp"

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

// The longest prefix of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view head(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = limit;
    while (end > limit - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
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
    return sys::write_all(fd, text);
}

std::string one_line(std::string_view text) {
    std::string line;
    // quotable cuts at 256 bytes; 60 bytes never grow beyond that, even if each becomes \xNN.
    while (!text.empty()) {
        const std::string_view piece = head(text, 60);
        line.append(quotable(piece));
        text.remove_prefix(piece.size());
    }
    return line;
}

}  // namespace bulkhead::cli
