// SPDX-License-Identifier: Apache-2.0
#include "seccomp/default_profile.hpp"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <set>

#include "interpreter.hpp"
#include "seccomp/profile_text.hpp"

#if defined(__x86_64__)  // the numbers are x86-64's

namespace bulkhead::seccomp::test {
namespace {

const Program& program() {
    static const Program made = compile(default_profile()).value();
    return made;
}
std::uint32_t call(std::uint32_t number, const std::array<std::uint64_t, 6>& args = {}) {
    return answer(program(), {number, args});
}
std::uint32_t call32(std::uint32_t number, const std::array<std::uint64_t, 6>& args = {}) {
    return answer(program(), {number, args, AUDIT_ARCH_I386});
}

constexpr std::uint64_t dirt = 0xdeadbeef00000000;  // above the 32 bits that the kernel looks at

TEST(DefaultProfile, AllowsWhatProgramsNeed) {
    for (const long number : {SYS_read, SYS_openat, SYS_mmap, SYS_execve, SYS_clone, SYS_futex, SYS_rseq,
                              SYS_epoll_pwait2, SYS_close_range, SYS_faccessat2, SYS_getrandom, SYS_ptrace})
        EXPECT_EQ(call(static_cast<std::uint32_t>(number)), allowed) << number;
    EXPECT_EQ(call32(5), allowed) << "open";
    EXPECT_EQ(call(SYS_read | x32_bit), allowed);
}

TEST(DefaultProfile, RefusesWhatReachesTheHost) {
    for (const long number : {SYS_mount,          SYS_umount2,       SYS_pivot_root,
                              SYS_fsopen,         SYS_move_mount,    SYS_open_tree,
                              SYS_mount_setattr,  SYS_setns,         SYS_unshare,
                              SYS_init_module,    SYS_finit_module,  SYS_delete_module,
                              SYS_kexec_load,     SYS_bpf,           SYS_perf_event_open,
                              SYS_io_uring_setup, SYS_userfaultfd,   SYS_keyctl,
                              SYS_add_key,        SYS_request_key,   SYS_open_by_handle_at,
                              SYS_reboot,         SYS_swapon,        SYS_swapoff,
                              SYS_settimeofday,   SYS_clock_settime, SYS_sethostname,
                              SYS_setdomainname,  SYS_iopl,          SYS_ioperm,
                              SYS_acct,           SYS_quotactl,      SYS_syslog,
                              SYS_modify_ldt,     SYS_vhangup,       SYS_mbind,
                              SYS_move_pages,     SYS_fanotify_init, SYS_uselib,
                              SYS_nfsservctl})
        EXPECT_EQ(call(static_cast<std::uint32_t>(number)), refused(EPERM)) << number;
    EXPECT_EQ(call32(21), refused(EPERM)) << "mount";
    EXPECT_EQ(call(SYS_mount | x32_bit), refused(EPERM));
}

TEST(DefaultProfile, LetsNewCallsFallBack) {
    EXPECT_EQ(call(9999), refused(ENOSYS));
    EXPECT_EQ(call32(9999), refused(ENOSYS));
    EXPECT_EQ(call(9999 | x32_bit), refused(ENOSYS));
    EXPECT_EQ(call(SYS_clone3), refused(ENOSYS));
    EXPECT_EQ(call32(SYS_clone3), refused(ENOSYS));
}

TEST(DefaultProfile, RefusesNewNamespaces) {
    for (const std::uint64_t flag : {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
                                     CLONE_NEWNET, CLONE_NEWCGROUP}) {
        EXPECT_EQ(call(SYS_clone, {flag | 17}), refused(EPERM)) << flag;
        EXPECT_EQ(call(SYS_clone, {flag | 17 | dirt}), refused(EPERM)) << flag;
        EXPECT_EQ(call32(120, {flag | 17}), refused(EPERM)) << flag;
    }
    EXPECT_EQ(call(SYS_clone, {CLONE_VM | CLONE_VFORK | 17}), allowed);
    EXPECT_EQ(call32(120, {17}), allowed);
}

TEST(DefaultProfile, RefusesTypingIntoTerminals) {
    for (const std::uint64_t request : {0x5412, 0x541c}) {
        EXPECT_EQ(call(SYS_ioctl, {0, request}), refused(EPERM)) << request;
        EXPECT_EQ(call(SYS_ioctl, {0, request | dirt}), refused(EPERM)) << request;
        EXPECT_EQ(call32(54, {0, request}), refused(EPERM)) << request;
    }
}

TEST(DefaultProfile, AllowsEveryOtherIoctl) {
    for (std::uint64_t request = 0x5300; request < 0x5500; ++request)
        if (request != 0x5412 && request != 0x541c) {
            EXPECT_EQ(call(SYS_ioctl, {0, request}), allowed) << request;
        }
    for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t request = std::uint64_t{1} << bit;
        EXPECT_EQ(call(SYS_ioctl, {0, request}), allowed) << bit;
        const bool is_one = bit >= 32;
        EXPECT_EQ(call(SYS_ioctl, {0, request ^ 0x5412}), is_one ? refused(EPERM) : allowed) << bit;
        EXPECT_EQ(call(SYS_ioctl, {0, request ^ 0x541c}), is_one ? refused(EPERM) : allowed) << bit;
    }
    EXPECT_EQ(call(SYS_ioctl, {0, 0xffffffff}), allowed);
}

TEST(DefaultProfile, AllowsFiveFamiliesOfSockets) {
    const std::set<std::uint64_t> families{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
    for (std::uint64_t family = 0; family < 64; ++family) {
        const std::uint32_t expected = families.contains(family) ? allowed : refused(EPERM);
        EXPECT_EQ(call(SYS_socket, {family}), expected) << family;
        EXPECT_EQ(call(SYS_socket, {family | dirt}), expected) << family;
        EXPECT_EQ(call32(359, {family}), expected) << family;
    }
}

TEST(DefaultProfile, HasNoWayRoundBySocketcall) {
    for (std::uint64_t number = 0; number < 24; ++number)
        EXPECT_EQ(call32(102, {number}), refused(ENOSYS)) << number;
}

TEST(DefaultProfile, AllowsFivePersonalities) {
    for (const std::uint64_t value : {0ull, 8ull, 0x20000ull, 0x20008ull, 0xffffffffull, ~0ull})
        EXPECT_EQ(call(SYS_personality, {value}), allowed) << value;
    for (const std::uint64_t value : {1ull, 0x40000ull, 0x400000ull, 0x100000ull})
        EXPECT_EQ(call(SYS_personality, {value}), refused(EPERM))
            << "ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC ...";
}

TEST(DefaultProfile, NamesEachCallOnce) {
    std::set<std::string> seen;
    for (const spec::SeccompSyscall& rule : default_profile().syscalls)
        for (const std::string& name : rule.names)
            EXPECT_TRUE(seen.insert(name).second || !rule.args.empty()) << name;
}

TEST(DefaultProfile, SurvivesBeingWrittenAndRead) {
    const spec::Seccomp again = profile(profile_json(default_profile()));
    EXPECT_EQ(profile_json(again), profile_json(default_profile()));
    const Program twin = compile(again).value();
    ASSERT_EQ(twin.instructions.size(), program().instructions.size());
    EXPECT_EQ(std::memcmp(twin.instructions.data(), program().instructions.data(),
                          twin.instructions.size() * sizeof(sock_filter)),
              0);
    EXPECT_EQ(twin.flags, program().flags);
}

TEST(DefaultProfile, IsFarFromTheLimit) { EXPECT_LT(program().instructions.size(), BPF_MAXINSNS * 3u / 4); }

}  // namespace
}  // namespace bulkhead::seccomp::test

#endif
