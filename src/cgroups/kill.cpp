// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/events.hpp"
#include "cgroups/group.hpp"
#include "cgroups/walk.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr std::size_t batch = 128;  // descriptors open at a time, well below RLIMIT_NOFILE

Result<> freeze(int cgroup_fd, bool on) {
    return write_kernel_file(cgroup_fd, "cgroup.freeze", on ? "1" : "0");
}

// Thaws on every way out.
class Thaw {
  public:
    explicit Thaw(int cgroup_fd) : cgroup_fd_(cgroup_fd) {}
    ~Thaw() { (void)freeze(cgroup_fd_, false); }
    Thaw(const Thaw&) = delete;
    Thaw& operator=(const Thaw&) = delete;

  private:
    int cgroup_fd_;
};

bool has_ended(const Error& error) { return error.err == ESRCH || error.err == EINVAL; }

// A pid may have been given to somebody else since it was read. So: hold a pidfd, read again; if the pid is
// still listed, the pidfd is a process of this cgroup.
Result<> kill_batch(int cgroup_fd, std::span<const pid_t> pids) {
    std::vector<std::pair<pid_t, Fd>> held;
    for (const pid_t pid : pids) {
        auto process = sys::open_process(pid);
        if (!process && has_ended(process.error())) continue;
        if (!process) return std::unexpected(std::move(process).error());
        held.emplace_back(pid, std::move(*process));
    }
    LET(const auto present, processes(cgroup_fd));
    for (const auto& [pid, process] : held) {
        if (!std::ranges::binary_search(present, pid)) continue;
        auto killed = sys::signal_process(process.number(), SIGKILL);
        if (!killed && !has_ended(killed.error())) return killed;
    }
    return {};
}

Result<> kill_listed(int cgroup_fd) {
    LET(const auto pids, processes(cgroup_fd));
    for (std::span<const pid_t> rest = pids; !rest.empty(); rest = rest.subspan(std::min(batch, rest.size())))
        TRY(kill_batch(cgroup_fd, rest.first(std::min(batch, rest.size()))));
    return {};
}

Result<> kill_until_empty(int cgroup_fd, int deadline_ms) {
    LET(const Events events, Events::open(cgroup_fd));
    TRY(freeze(cgroup_fd, true));
    const Thaw thaw(cgroup_fd);
    BackOff back_off(deadline_ms);
    for (;;) {
        LET(const bool occupied, events.flag("populated"));
        if (!occupied) return {};
        TRY(kill_listed(cgroup_fd));
        const std::uint64_t pause = back_off.next();
        if (pause == 0) return fail(Kind::kernel, "processes are left after ", deadline_ms, " ms of SIGKILL");
        events.wait(pause);
    }
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

}  // namespace bulkhead::cgroups
