// SPDX-License-Identifier: Apache-2.0
// Sends signals to everything in a cgroup and below it.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/events.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/walk.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr std::size_t batch = 128;        // descriptors open at a time, well below RLIMIT_NOFILE
constexpr int freeze_patience_ms = 1000;  // for the processes that signal_all is about to signal

// Thaws on every way out.
class Thaw {
  public:
    explicit Thaw(int cgroup_fd) : cgroup_fd_(cgroup_fd) {}
    ~Thaw() { (void)ask_to_thaw(cgroup_fd_); }
    Thaw(const Thaw&) = delete;
    Thaw& operator=(const Thaw&) = delete;

  private:
    int cgroup_fd_;
};

bool has_ended(const Error& error) { return error.err == ESRCH || error.err == EINVAL; }

// A pid may have a new owner since the list was read. So this opens a pidfd and reads again: if the pid is
// still listed, the pidfd is of this cgroup. One refused signal does not stop the rest.
Result<> signal_batch(int cgroup_fd, std::span<const pid_t> pids, int signal) {
    std::vector<std::pair<pid_t, Fd>> held;
    for (const pid_t pid : pids) {
        auto process = sys::open_process(pid);
        if (!process && has_ended(process.error())) continue;
        if (!process) return std::unexpected(std::move(process).error());
        held.emplace_back(pid, std::move(*process));
    }
    LET(const auto present, processes(cgroup_fd));
    Result<> first_failure;
    for (const auto& [pid, process] : held) {
        if (!std::ranges::binary_search(present, pid)) continue;
        auto sent = sys::signal_process(process.number(), signal);
        if (!sent && !has_ended(sent.error()) && first_failure) first_failure = std::move(sent);
    }
    return first_failure;
}

Result<> signal_listed(int cgroup_fd, int signal) {
    LET(const auto pids, processes(cgroup_fd));
    Result<> first_failure;
    for (std::span<const pid_t> rest = pids; !rest.empty();
         rest = rest.subspan(std::min(batch, rest.size()))) {
        auto sent = signal_batch(cgroup_fd, rest.first(std::min(batch, rest.size())), signal);
        if (!sent && first_failure) first_failure = std::move(sent);
    }
    return first_failure;
}

Result<> kill_until_empty(int cgroup_fd, int deadline_ms) {
    LET(const Events events, Events::open(cgroup_fd));
    TRY(ask_to_freeze(cgroup_fd));
    const Thaw thaw(cgroup_fd);
    BackOff back_off(deadline_ms);
    for (;;) {
        LET(const bool occupied, events.flag("populated"));
        if (!occupied) return {};
        TRY(signal_listed(cgroup_fd, SIGKILL));
        const std::uint64_t pause = back_off.next();
        if (pause == 0) return fail(Kind::kernel, "processes are left after ", deadline_ms, " ms of SIGKILL");
        events.wait(pause);
    }
}

// A frozen process cannot fork away from under the list. A cgroup that was frozen before stays so. A process
// that does not freeze in time (it waits for a dead file server) gets the signal all the same.
Result<> signal_frozen(int cgroup_fd, int signal) {
    LET(const bool already, frozen(cgroup_fd));
    if (already) return signal_listed(cgroup_fd, signal);
    auto stopped = freeze(cgroup_fd, freeze_patience_ms);
    if (!stopped && stopped.error().kind == Kind::interrupted) return stopped;
    if (!stopped) return signal_listed(cgroup_fd, signal);
    const Thaw thaw(cgroup_fd);
    return signal_listed(cgroup_fd, signal);
}

Result<> unless_gone(Result<> result) {
    if (!result && is_gone(result.error())) return {};
    return result;
}

}  // namespace

Result<> kill_each(int cgroup_fd, int deadline_ms) {
    return unless_gone(kill_until_empty(cgroup_fd, deadline_ms));
}

Result<> kill_all(int cgroup_fd) {
    auto killed = write_kernel_file(cgroup_fd, "cgroup.kill", "1");
    if (killed || killed.error().err == ENODEV) return {};
    // ENOENT: before 5.14, or the cgroup is gone; EOPNOTSUPP: a threaded one
    if (killed.error().err == ENOENT || killed.error().err == EOPNOTSUPP) return kill_each(cgroup_fd);
    return killed;
}

Result<> signal_all(int cgroup_fd, int signal) {
    if (signal == SIGKILL) return kill_all(cgroup_fd);
    return unless_gone(signal == 0 ? signal_listed(cgroup_fd, signal) : signal_frozen(cgroup_fd, signal));
}

}  // namespace bulkhead::cgroups
