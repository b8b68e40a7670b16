// SPDX-License-Identifier: Apache-2.0
#include "rootfs/init_filesystem.hpp"

#include <asm/errno.h>
#include <linux/sched.h>

namespace bulkhead::rootfs {

using plan::StageContext;

namespace {

long open_plainly(const char* type) { return raw::call(__NR_fsopen, type, long{FSOPEN_CLOEXEC}); }

// 6.17 takes the namespace as a parameter. An older kernel answers EINVAL.
long open_for_namespace(int pids) {
    raw::Handle context(open_plainly("proc"));
    if (context.number() < 0) return context.number();
    const long set =
        raw::call(__NR_fsconfig, long{context.number()}, long{FSCONFIG_SET_FD}, "pidns", 0L, long{pids});
    return set < 0 ? set : context.release();
}

// ---- before 6.17 ----------------------------------------------------------------------------------------
//
// A child has to be in the namespace for fsopen(2). Its inhabitants see it and, with CAP_SYS_PTRACE,
// could take what it holds; so it holds nothing: one end of a socket, and capabilities over an empty user
// namespace. If it can make none, it keeps CAP_SYS_ADMIN alone. Its parent, which drops the rest, is not
// visible there.

constexpr long plain_fork = 17;  // SIGCHLD

long fork_with(unsigned long flags) {
    return raw::call(__NR_clone, static_cast<long>(flags) | plain_fork, 0L, 0L, 0L, 0L);
}

[[noreturn]] void leave(long result) {
    for (;;) raw::call(__NR_exit_group, result < 0 ? -result : 0L);
}

constexpr long look_ns = 50'000'000;
constexpr long patience_ns = 5'000'000'000;

// Zero, or the child's -errno. An inhabitant may be allowed to signal it: -ECANCELED, and a stopped child is
// killed. A tracer may keep it from ending, or keep its end secret: -ETIMEDOUT after `patience`.
long wait_for(long child, long patience) {
    constexpr long at_once_untraced = 1 | 2;  // WNOHANG | WUNTRACED
    constexpr long kill = 9;
    const raw::Handle process(raw::call(__NR_pidfd_open, child, 0L));
    pollfd end{process.number(), POLLIN, 0};
    int status = 0;
    for (const std::uint64_t begin = raw::monotonic_ns();;) {
        const long waited = raw::call(__NR_wait4, child, &status, at_once_untraced, 0L);
        if (waited < 0 && waited != -EINTR) return waited;
        const int signal = waited > 0 ? status & 0x7f : 0x7f;
        if (signal == 0) return -long{status >> 8 & 0xff};
        if (signal != 0x7f) return -ECANCELED;
        if (waited > 0) raw::call(__NR_kill, child, kill);
        if (raw::monotonic_ns() - begin > static_cast<std::uint64_t>(patience)) break;
        __kernel_timespec look{0, look_ns};  // the kernel leaves in it what is left
        const long dead = end.revents;       // and traced: the descriptor has nothing more to tell
        raw::call(__NR_ppoll, &end, dead != 0 ? 0L : 1L, &look, 0L, 0L);
    }
    raw::call(__NR_kill, child, kill);
    return -ETIMEDOUT;
}

long let_go_of_all_but(int kept) {
    constexpr long every = ~0u;
    const long below = kept == 0 ? 0 : raw::call(__NR_close_range, 0L, long{kept} - 1, 0L);
    const long above = raw::call(__NR_close_range, long{kept} + 1, every, 0L);
    if (below < 0 || above < 0) return below < 0 ? below : above;
    constexpr std::uint32_t sys_admin = 1u << CAP_SYS_ADMIN;
    const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct sets[2] = {{sys_admin, sys_admin, 0}, {}};
    return raw::call(__NR_capset, &header, sets);
}

[[noreturn]] void open_and_send(int answer) {
    const raw::Handle context(open_plainly("proc"));
    if (context.number() < 0) leave(context.number());
    char byte = 0;
    leave(raw::send_descriptor(answer, context.number(), &byte, sizeof byte));
}

// The kernel makes no user namespace for a process whose root is not that of the mount namespace (chroot(2)).
// So the child moves into the container's root, which has been attached over the other.
[[noreturn]] void make_opener(const StageContext& stage, int answer) {
    const long joined = raw::call(__NR_setns, long{stage.joined_pids}, long{CLONE_NEWPID});
    if (joined < 0) leave(joined);
    if (raw::call(__NR_fchdir, long{stage.root}) == 0) raw::call(__NR_chroot, ".");
    if (const long rid = let_go_of_all_but(answer); rid < 0) leave(rid);
    long opener = fork_with(CLONE_NEWUSER | CLONE_NEWNS);
    if (opener < 0) opener = fork_with(0);
    if (opener == 0) open_and_send(answer);
    leave(opener < 0 ? opener : wait_for(opener, patience_ns));
}

// Lets the next child be born outside the joined namespace. In a joined user namespace this is not permitted,
// and not needed: the stage's memory belongs to the host's, so nobody there may trace.
void bear_children_at_home() {
    const raw::Handle self(raw::call(__NR_pidfd_open, raw::call(__NR_getpid), 0L));
    raw::call(__NR_setns, long{self.number()}, long{CLONE_NEWPID});
}

}  // namespace

long open_filesystem(const StageContext& stage, const char* type) {
    if (stage.joined_pids < 0 || !raw::equal(type, "proc")) return open_plainly(type);
    const long context = open_for_namespace(stage.joined_pids);
    return context == -EINVAL ? open_procfs_by_child(stage) : context;
}

long open_procfs_by_child(const StageContext& stage) {
    constexpr long unix_domain = 1, packets_cloexec = 5 | 02000000;
    int ends[2] = {-1, -1};
    const long made = raw::call(__NR_socketpair, unix_domain, packets_cloexec, 0L, ends);
    if (made < 0) return made;
    const raw::Handle here(ends[0]), there(ends[1]);
    bear_children_at_home();
    const long child = fork_with(0);
    if (child == 0) make_opener(stage, there.number());
    const long failed = child < 0 ? child : wait_for(child, 2 * patience_ns);
    const long joined = raw::call(__NR_setns, long{stage.joined_pids}, long{CLONE_NEWPID});
    if (failed < 0 || joined < 0) return failed < 0 ? failed : joined;
    return raw::receive_descriptor(here.number());
}

}  // namespace bulkhead::rootfs
