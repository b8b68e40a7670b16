// SPDX-License-Identifier: Apache-2.0
#include "seccomp/default_profile.hpp"

#include <linux/sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/text.hpp"

namespace bulkhead::seccomp {

namespace {

using spec::SeccompAction;
using spec::SeccompOp;
using spec::SeccompSyscall;

// Allowed with any arguments. What is in none of these lines: loading code into the kernel (modules, kexec,
// bpf), the machine's state (clocks, swap, reboot, accounting, ports, names, quotas), mounts and namespaces,
// files by handle, keyrings, perf events, io_uring and userfaultfd (most kernel exploits of the 2020s went
// through one of the two), the kernel's log, NUMA placement, vm86 and modify_ldt, and calls that only old
// kernels had. A call that this libseccomp does not know yet is skipped, and answers ENOSYS.
// NOLINTBEGIN(bugprone-suspicious-missing-comma): a group is one string of several lines
constexpr std::string_view allowed[] = {
    // reading, writing, descriptors
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close "
    "close_range dup "
    "dup2 dup3 fcntl fcntl64 flock pipe pipe2 sendfile sendfile64 splice tee vmsplice copy_file_range fsync "
    "fdatasync sync syncfs sync_file_range sync_file_range2 arm_sync_file_range fadvise64 fadvise64_64 "
    "arm_fadvise64_64 readahead fallocate ftruncate ftruncate64 truncate truncate64 io_setup io_submit "
    "io_getevents io_pgetevents io_pgetevents_time64 io_cancel io_destroy cachestat",
    // files and directories by name
    "open openat openat2 creat access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 "
    "newfstatat statx statfs statfs64 fstatfs fstatfs64 getdents getdents64 readlink readlinkat getcwd chdir "
    "fchdir chroot mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink "
    "symlinkat "
    "mknod mknodat chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat "
    "umask "
    "utime utimes futimesat utimensat utimensat_time64 getxattr lgetxattr fgetxattr getxattrat setxattr "
    "lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr "
    "fremovexattr removexattrat file_getattr file_setattr name_to_handle_at inotify_init inotify_init1 "
    "inotify_add_watch inotify_rm_watch statmount listmount",
    // waiting for something
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 "
    "timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64",
    // memory
    "brk mmap mmap2 munmap mremap mprotect madvise process_madvise process_mrelease mincore msync mlock "
    "mlock2 "
    "munlock mlockall munlockall memfd_create memfd_secret remap_file_pages pkey_alloc pkey_free "
    "pkey_mprotect "
    "membarrier mseal map_shadow_stack get_mempolicy",
    // processes and threads; clone and clone3 have rules of their own below
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp "
    "setpgid "
    "getsid setsid set_tid_address set_robust_list get_robust_list rseq arch_prctl prctl set_thread_area "
    "get_thread_area getcpu futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue pidfd_open "
    "pidfd_send_signal pidfd_getfd ptrace process_vm_readv process_vm_writev kcmp uretprobe uprobe set_tls "
    "get_tls cacheflush breakpoint riscv_flush_icache riscv_hwprobe restart_syscall",
    // ids and capabilities
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid "
    "getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid "
    "setregid32 "
    "setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups "
    "setgroups32 "
    "capget capset",
    // confining oneself further
    "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr "
    "lsm_set_self_attr "
    "lsm_list_modules",
    // signals
    "kill tkill tgkill pause signal sigaction rt_sigaction sigprocmask rt_sigprocmask sigpending "
    "rt_sigpending "
    "sigsuspend rt_sigsuspend sigreturn rt_sigreturn rt_sigqueueinfo rt_tgsigqueueinfo rt_sigtimedwait "
    "rt_sigtimedwait_time64 sigaltstack",
    // time; setting the clock takes CAP_SYS_TIME
    "time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
    "clock_nanosleep_time64 nanosleep alarm getitimer setitimer timer_create timer_delete timer_getoverrun "
    "timer_gettime timer_gettime64 timer_settime timer_settime64 adjtimex clock_adjtime clock_adjtime64",
    // scheduling and limits
    "sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr "
    "sched_setattr "
    "sched_get_priority_min sched_get_priority_max sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_getaffinity sched_setaffinity nice getpriority setpriority ioprio_get ioprio_set getrlimit "
    "ugetrlimit "
    "setrlimit prlimit64 getrusage",
    // sockets; socket itself has rules of its own below
    "socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown "
    "send "
    "sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64",
    // System V and POSIX IPC
    "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt "
    "shmget "
    "mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 mq_timedreceive "
    "mq_timedreceive_time64",
    // about the machine
    "uname olduname oldolduname sysinfo getrandom",
};
// NOLINTEND(bugprone-suspicious-missing-comma)

// Compares the 32 bits that the kernel takes; the register may have anything above them (CVE-2019-10063 and
// its like got a TIOCSTI past a comparison of all 64).
constexpr std::uint64_t low_word = 0xffffffff;

// An allowed value of an argument, under a mask.
SeccompSyscall allow_where(std::string_view name, std::uint32_t index, std::uint64_t mask,
                           std::uint64_t value) {
    return {{std::string(name)}, SeccompAction::allow, {}, {{index, mask, value, SeccompOp::masked_eq}}};
}

void allow_values(spec::Seccomp& profile, std::string_view name, std::uint32_t index,
                  std::span<const std::uint32_t> values) {
    for (const std::uint32_t value : values)
        profile.syscalls.push_back(allow_where(name, index, low_word, value));
}

// Everything but some 32-bit values. libseccomp takes one condition for each argument. So this makes a rule
// for each of the widest aligned ranges that contain none of them (as in a routing table). `bits` of `prefix`
// are decided.
void allow_all_but(spec::Seccomp& profile, std::string_view name, std::uint32_t index,
                   std::span<const std::uint32_t> refused, std::uint64_t prefix = 0, unsigned bits = 0) {
    const std::uint64_t mask = low_word << (32 - bits) & low_word;
    const auto inside = [&](std::uint32_t value) { return (value & mask) == prefix; };
    if (std::ranges::none_of(refused, inside)) {
        profile.syscalls.push_back(allow_where(name, index, mask, prefix));
    } else if (bits < 32) {
        const std::uint64_t next = std::uint64_t{1} << (31 - bits);
        allow_all_but(profile, name, index, refused, prefix, bits + 1);
        allow_all_but(profile, name, index, refused, prefix | next, bits + 1);
    }
}

constexpr std::uint64_t new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                         CLONE_NEWUSER | CLONE_NEWPID | std::uint64_t{CLONE_NEWNET};

#if defined(__s390x__)
constexpr std::uint32_t clone_flags = 1;  // the stack comes first
#else
constexpr std::uint32_t clone_flags = 0;
#endif

// AF_VSOCK would reach the hypervisor and AF_ALG, like most of the other forty, a rarely used corner of the
// kernel. AF_NETLINK tells a program its addresses; AF_PACKET needs CAP_NET_RAW.
constexpr std::array<std::uint32_t, 5> families{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

// The default, 32-bit uname, uname of 2.6 and both, and the query of the present value.
constexpr std::array<std::uint32_t, 5> personalities{0, 0x0008, 0x20000, 0x20008, 0xffffffff};

// Both type into a terminal that somebody else reads: TIOCSTI, TIOCLINUX (CVE-2017-5226, CVE-2023-28100).
constexpr std::array<std::uint32_t, 2> terminal_injection{0x5412, 0x541c};

std::vector<spec::SeccompArch> architectures() {
    using enum spec::SeccompArch;
#if defined(__x86_64__)
    return {x86_64, x86, x32};
#elif defined(__aarch64__)
    return {aarch64, arm};
#else
    return {};  // the machine's own architecture is always in it
#endif
}

std::vector<std::string> names_of(std::string_view line) {
    const std::vector<std::string_view> words = split(line, ' ');
    return {words.begin(), words.end()};
}

}  // namespace

spec::Seccomp default_profile() {
    spec::Seccomp profile{.default_action = SeccompAction::error,
                          .default_errno_ret = EPERM,
                          .architectures = architectures(),
                          .flags = std::vector<spec::SeccompFlag>{},
                          .listener_path = {},
                          .listener_metadata = {},
                          .syscalls = {}};
    for (const std::string_view line : allowed)
        profile.syscalls.push_back({names_of(line), SeccompAction::allow, {}, {}});
    profile.syscalls.push_back(allow_where("clone", clone_flags, new_namespaces, 0));
    // Its flags are in memory, where a filter cannot look; every libc falls back to clone on ENOSYS. The same
    // goes for socketcall, by which 32-bit programs could ask for any family. A program that was made for
    // socketcall alone has no network here.
    profile.syscalls.push_back({{"clone3", "socketcall"}, SeccompAction::error, ENOSYS, {}});
    allow_values(profile, "socket", 0, families);
    allow_values(profile, "personality", 0, personalities);
    allow_all_but(profile, "ioctl", 1, terminal_injection);
    return profile;
}

}  // namespace bulkhead::seccomp
