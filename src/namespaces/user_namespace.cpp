// SPDX-License-Identifier: Apache-2.0
#include "namespaces/user_namespace.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/patience.hpp"
#include "base/raw_call.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"

namespace bulkhead::namespaces {

namespace {

// Waits until the parent kills this process, or dies.
[[noreturn]] void wait_for_the_end(long parent) noexcept {
    raw::call(__NR_prctl, long{PR_SET_PDEATHSIG}, long{SIGKILL}, 0L, 0L, 0L);
    while (raw::call(__NR_getppid) == parent) raw::call(__NR_ppoll, 0L, 0L, 0L, 0L, 0L);
    for (;;) raw::call(__NR_exit_group, 0L);
}

// A child in a new user namespace. The child ends with this value.
class Inhabitant {
  public:
    static Result<Inhabitant> make() {
        int pidfd = -1;
        clone_args arguments{};
        arguments.flags = CLONE_NEWUSER | CLONE_PIDFD;
        arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
        arguments.exit_signal = SIGCHLD;
        const pid_t parent = ::getpid();
        LET(const pid_t pid, sys::clone_process(arguments));
        if (pid == 0) wait_for_the_end(parent);
        return Inhabitant(pid, Fd(pidfd));
    }

    Inhabitant(Inhabitant&&) noexcept = default;
    Inhabitant& operator=(Inhabitant&&) = delete;
    ~Inhabitant() {
        if (!process_) return;
        (void)sys::signal_process(process_.number(), SIGKILL);
        (void)sys::wait_process(process_.number(), dying_patience_ms);
    }

    std::string file(std::string_view name) const { return cat("/proc/", pid_, '/', name); }

  private:
    Inhabitant(pid_t pid, Fd process) : pid_(pid), process_(std::move(process)) {}

    pid_t pid_;
    Fd process_;
};

}  // namespace

Result<Fd> make_user_namespace(const std::string& uids, const std::string& gids) {
    LET(const Inhabitant child, Inhabitant::make());
    TRY(write_kernel_file(sys::here, child.file("uid_map"), uids));
    TRY(write_kernel_file(sys::here, child.file("gid_map"), gids));
    return sys::open(child.file("ns/user"), O_RDONLY);
}

Result<int> UserNamespaces::with(const plan::IdMaps& maps) {
    const auto found = std::ranges::find_if(
        made_, [&](const Entry& entry) { return entry.uids == maps.uids && entry.gids == maps.gids; });
    if (found != made_.end()) return found->file.number();
    LET(Fd file, make_user_namespace(maps.uids, maps.gids));
    made_.push_back({maps.uids, maps.gids, std::move(file)});
    return made_.back().file.number();
}

Result<> map_ids(int tree, const plan::IdMaps& maps, UserNamespaces& made) {
    LET(const int user_namespace, made.with(maps));
    auto mapped = sys::map_mount_ids(tree, maps.whole_tree, user_namespace);
    if (mapped) return {};
    Error error = std::move(mapped).error();
    if (error.err == EINVAL)
        return fail(Kind::unsupported, "id-mapped mount: the file system",
                    maps.whole_tree ? " (or one mounted below)" : "", " does not support it (", error.text,
                    ")");
    if (error.err == EPERM)
        return fail(Kind::denied, "id-mapped mount: it is mapped already, or the file system is not ours (",
                    error.text, ")");
    return std::unexpected(std::move(error));
}

}  // namespace bulkhead::namespaces
