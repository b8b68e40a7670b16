// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/stdio_relay.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/sys.hpp"
#include "runtime/attached/caller_terminal.hpp"

namespace bulkhead::runtime {

namespace {

// The size of a write to a terminal that blocks: poll(2) promises room for a little only.
constexpr std::size_t safe_write = 256;
// In the background: looks if we are in the foreground now. Shells do not tell a job that they let go on.
constexpr int look_again_ms = 200;

bool again(const Error& error) { return error.err == EAGAIN; }

// The index of a stream's wishes: of its terminal, and after it of its pipe.
std::size_t place_of(int number) { return std::size_t{2} * static_cast<std::size_t>(number); }

}  // namespace

void StdioRelay::Stream::give_up() {
    flow.discard();
    pipe.reset();
}

Result<> StdioRelay::divert(Stream& stream) {
    const bool input = stream.number == STDIN_FILENO;
    LET(sys::Pipe pipe, sys::pipe());
    const Fd& theirs = input ? pipe.reader : pipe.writer;
    Fd& ours = input ? pipe.writer : pipe.reader;
    if (::fcntl(ours.number(), F_SETFL, O_NONBLOCK) == -1) return system_error(errno, "fcntl");
    stream.own = reopened(stream.number, input ? O_RDONLY : O_WRONLY);
    stream.kept = Fd(::fcntl(stream.number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!stream.kept) return system_error(errno, "fcntl");
    if (::dup2(theirs.number(), stream.number) == -1) return system_error(errno, "dup2");
    stream.pipe = std::move(ours);
    return {};
}

Result<> StdioRelay::begin() {
    for (Stream& stream : streams_) {
        if (::isatty(stream.number) != 1) continue;
        TRY(divert(stream));
        active_ = true;
    }
    return {};
}

void StdioRelay::restore() {
    for (Stream& stream : streams_) {
        if (stream.kept) ::dup2(stream.kept.number(), stream.number);
        stream.kept.reset();
    }
}

bool StdioRelay::wants_keys() const {
    const Stream& input = streams_[STDIN_FILENO];
    return input.pipe && input.flow.has_room() && has_keys_;
}

// In the background the keys are for another program. (The runtime cannot know if the container reads and
// should be stopped for that.) The pipe of the input is watched even if there is nothing for it: once nobody
// reads from it, the keys are for another program.
StdioRelay::Wishes StdioRelay::wishes() const {
    Wishes wishes{};
    for (const Stream& stream : streams_) {
        const bool input = stream.number == STDIN_FILENO;
        const bool pending = !stream.flow.empty();
        const bool takes = input ? wants_keys() && !in_background() : stream.pipe && stream.flow.has_room();
        const bool terminal = input ? takes : pending;
        const bool pipe = input || takes;
        const short pour = pending ? POLLOUT : 0;
        const std::size_t place = place_of(stream.number);
        wishes[place] = {terminal ? stream.terminal() : -1, input ? short{POLLIN} : pour, 0};
        wishes[place + 1] = {pipe ? stream.pipe.number() : -1, input ? pour : short{POLLIN}, 0};
    }
    return wishes;
}

int StdioRelay::patience_ms() const {
    const auto looks = [](const Stream& stream) { return stream.pipe && stream.flow.has_room(); };
    if (ended_ && std::ranges::any_of(streams_, looks)) return 0;
    return wants_keys() && in_background() ? look_again_ms : -1;
}

void StdioRelay::serve(const Wishes& found) {
    if (!active_) return;
    if (found[0].revents != 0) take_keys();
    if ((found[1].revents & POLLERR) != 0) streams_[STDIN_FILENO].give_up();
    pass_keys();
    for (Stream& stream : streams_) {
        if (stream.number == STDIN_FILENO) continue;
        const std::size_t at = place_of(stream.number);
        if (found[at + 1].revents != 0 || ended_) take_output(stream);
        if (!stream.flow.empty() && (stream.own || found[at].revents != 0)) pass_output(stream);
    }
}

void StdioRelay::take_keys() {
    Stream& input = streams_[STDIN_FILENO];
    const UnblockedSignal stops(SIGTTIN);
    const auto count = input.flow.fill(input.terminal());
    has_keys_ = count ? *count > 0 : again(count.error());
}

void StdioRelay::pass_keys() {
    Stream& input = streams_[STDIN_FILENO];
    if (!input.pipe) return;
    if (!input.flow.empty() && !input.flow.pour(input.pipe.number())) return input.give_up();
    if (!has_keys_ && input.flow.empty()) input.pipe.reset();  // the end, after the last byte
}

void StdioRelay::take_output(Stream& stream) const {
    if (!stream.pipe || !stream.flow.has_room()) return;
    const auto count = stream.flow.fill(stream.pipe.number());
    const bool more = count ? *count > 0 : again(count.error()) && !ended_;
    if (ended_) stream.left -= std::min(stream.left, count.value_or(0));
    if (!more || (ended_ && stream.left == 0)) stream.pipe.reset();
}

void StdioRelay::pass_output(Stream& stream) {
    const UnblockedSignal stops(SIGTTOU);
    const auto poured =
        stream.own ? stream.flow.pour(stream.own.number()) : stream.flow.pour(stream.number, safe_write);
    if (!poured) stream.give_up();
}

void StdioRelay::stop(int signal) const {
    if (!active_ || (signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU)) return;
    (void)::raise(signal);
    const UnblockedSignal now(signal);
}

// When a process ends, everything that it wrote is in the pipe. Others may go on writing.
void StdioRelay::end() {
    ended_ = true;
    streams_[STDIN_FILENO].give_up();
    for (Stream& stream : streams_) {
        int bytes = 0;
        if (!stream.pipe || ::ioctl(stream.pipe.number(), FIONREAD, &bytes) == -1) bytes = 0;
        stream.left = static_cast<std::size_t>(bytes);
        if (bytes == 0) stream.pipe.reset();
    }
}

std::uint64_t StdioRelay::delivered() const {
    std::uint64_t bytes = 0;
    for (const Stream& stream : streams_)
        if (stream.number != STDIN_FILENO) bytes += stream.flow.poured();
    return bytes;
}

bool StdioRelay::unfinished() const {
    return std::ranges::any_of(streams_,
                               [](const Stream& stream) { return stream.pipe || !stream.flow.empty(); });
}

}  // namespace bulkhead::runtime
