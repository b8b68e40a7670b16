// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/supervise.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/patience.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::uint64_t never = UINT64_MAX;
constexpr std::uint64_t second_ns = 1'000'000'000, millisecond_ns = 1'000'000;

// On CLOCK_MONOTONIC, which no number of seconds may wrap around.
std::uint64_t deadline_of(std::optional<std::int64_t> timeout_s) {
    constexpr std::int64_t longest_s = 1'000'000'000;
    if (!timeout_s || *timeout_s >= longest_s) return never;
    return sys::monotonic_ns() + static_cast<std::uint64_t>(*timeout_s) * second_ns;
}

class Supervision {
  public:
    Supervision(const Fd& process, const Fd& output, std::uint64_t deadline)
        : process_(process), output_(output), deadline_(deadline), buffer_(buffer_size) {}

    // False if the deadline has passed first. Without a deadline the hook may take any time, until a signal
    // asks this process to end.
    Result<bool> until_end() {
        while (!ended_) {
            const std::uint64_t now = sys::monotonic_ns();
            if (now >= deadline_) return false;
            TRY(serve(now));
            TRY(sys::heed_interrupts());
        }
        return true;
    }

    // Reads what is in the pipe now, and no more, because a daemon may fill it for ever.
    Result<> drain() {
        for (std::size_t total = 0; total < largest_pipe && !closed_;) {
            LET(const bool more, sys::wait_readable(output_.number(), 0));
            if (!more) return {};
            LET(const std::size_t count, take());
            total += count;
        }
        return {};
    }

    std::string& kept() { return kept_; }
    bool cut() const { return cut_; }

  private:
    static constexpr std::size_t buffer_size = 1 << 16, largest_pipe = 1 << 20;

    Result<> serve(std::uint64_t now) {
        const std::uint64_t left_ms = (deadline_ - now) / millisecond_ns + 1;
        pollfd entries[2] = {{process_.number(), POLLIN, 0}, {closed_ ? -1 : output_.number(), POLLIN, 0}};
        const int patience = static_cast<int>(std::min<std::uint64_t>(left_ms, sys::look_ms));
        if (::poll(entries, 2, patience) == -1) {
            if (errno != EINTR) return system_error(errno, "poll");
            return {};
        }
        ended_ = entries[0].revents != 0;
        if (entries[1].revents != 0) TRY(take());
        return {};
    }

    Result<std::size_t> take() {
        LET(const std::size_t count, sys::read(output_.number(), buffer_));
        closed_ = count == 0;
        kept_.append(buffer_.data(), count);
        if (kept_.size() > Supervised::output_limit) {
            cut_ = true;
            kept_.erase(0, kept_.size() - Supervised::output_limit);
        }
        return count;
    }

    const Fd& process_;
    const Fd& output_;
    std::uint64_t deadline_;
    std::vector<char> buffer_;
    std::string kept_;
    bool ended_ = false;
    bool closed_ = false;  // nobody writes any more
    bool cut_ = false;
};

Error with(Error error, const std::string& left) {
    if (!left.empty()) error.text.append("; ").append(left);
    return error;
}

}  // namespace

Result<Supervised> supervise(pid_t pid, const Fd& process, const Fd& output,
                             std::optional<std::int64_t> timeout_s) {
    Supervision supervision(process, output, deadline_of(timeout_s));
    Supervised result;
    const auto in_time = supervision.until_end();
    result.in_time = in_time.value_or(false);
    if (!result.in_time) (void)sys::signal_group(pid, SIGKILL);
    const auto ending = sys::wait_ending(process.number(), dying_patience_ms);
    if (!ending) result.left = left_to_init(pid);
    if (!in_time) return std::unexpected(with(in_time.error(), result.left));
    TRY(supervision.drain());
    result.ending = ending.value_or(sys::Ending{});
    result.output = std::move(supervision.kept());
    result.cut = supervision.cut();
    return result;
}

}  // namespace bulkhead::runtime
