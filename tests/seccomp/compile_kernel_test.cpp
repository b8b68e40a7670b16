// SPDX-License-Identifier: Apache-2.0
// Programs in the kernel: each test confines a child of its own and calls.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/sys.hpp"
#include "base/text.hpp"
#include "interpreter.hpp"
#include "seccomp/cache.hpp"
#include "seccomp/default_profile.hpp"
#include "seccomp/library.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

#if defined(__x86_64__)  // the numbers are x86-64's

namespace bulkhead::seccomp::test {
namespace {

using bulkhead::test::in_child;
using bulkhead::test::reap;

// As the stage does it; the listener, where there is one, or 0.
int load(const Program& program) {
    const sock_fprog text{static_cast<unsigned short>(program.instructions.size()),
                          const_cast<sock_filter*>(program.instructions.data())};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &text));
}

// The result of a call by the entry of i386.
long call_i386(long number, long first = 0) {
    long result = 0;
    asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first) : "memory", "r8", "r9", "r10", "r11");
    return static_cast<int>(result);
}

long error_of(long number, long first = 0) { return ::syscall(number, first) == -1 ? errno : 0; }

bool has_i386() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(call_i386(20) == ::getpid() ? 0 : 1);
    return reap(child) == 0;
}

// How a child ends that loads a program and acts.
int end_of(const Program& program, void (*act)()) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (load(program) < 0) ::_exit(99);
        act();
        ::_exit(0);
    }
    return reap(child);
}

constexpr const char* errnos = R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":13,
    "architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":[
    {"names":["exit_group","write","rt_sigreturn","getppid"],"action":"SCMP_ACT_ALLOW"},
    {"names":["getuid"],"action":"SCMP_ACT_ERRNO","errnoRet":77}]})";

#ifdef __SANITIZE_ADDRESS__
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif

TEST(Kernel, GivesTheErrnosOfTheProfile) {
    if (instrumented) GTEST_SKIP() << "the filter stops the sanitizer's own calls";
    const Program program = compiled(errnos);
    in_child([&] {
        ASSERT_EQ(load(program), 0);
        EXPECT_EQ(error_of(SYS_getpid), EACCES);
        EXPECT_EQ(error_of(SYS_getuid), 77);
        EXPECT_EQ(error_of(SYS_getppid), 0);
        EXPECT_EQ(error_of(470), ENOSYS) << "newer than the profile";
        EXPECT_EQ(error_of(SYS_exit_group + 1), ENOSYS);
        EXPECT_EQ(error_of(SYS_exit_group - 1), EACCES);
    });
}

TEST(Kernel, HoldsForTheEntryOfI386) {
    if (instrumented) GTEST_SKIP() << "the filter stops the sanitizer's own calls";
    if (!has_i386()) GTEST_SKIP() << "this kernel has no i386 entry";
    const Program program = compiled(errnos);
    in_child([&] {
        ASSERT_EQ(load(program), 0);
        EXPECT_EQ(call_i386(20), -EACCES) << "getpid";
        EXPECT_EQ(call_i386(24), -77) << "getuid";
        EXPECT_GT(call_i386(64), 0) << "getppid";
        EXPECT_EQ(call_i386(252 + 1), -ENOSYS) << "above exit_group";
        EXPECT_EQ(call_i386(252 - 1), -EACCES);
    });
}

TEST(Kernel, HoldsForTheNumbersOfX32) {
    if (instrumented) GTEST_SKIP() << "the filter stops the sanitizer's own calls";
    const Program program = compiled(errnos);  // a kernel without x32 asks the filter all the same
    in_child([&] {
        ASSERT_EQ(load(program), 0);
        EXPECT_EQ(error_of(SYS_getpid | x32_bit), EACCES);
        EXPECT_EQ(error_of(SYS_getuid | x32_bit), 77);
        EXPECT_EQ(error_of(520 | x32_bit), EACCES) << "x32's own execve";
        EXPECT_EQ(error_of(470 | x32_bit), ENOSYS);
    });
}

TEST(Kernel, KillsWhoComesByAnotherEntry) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
    EXPECT_EQ(end_of(program, [] { (void)error_of(SYS_getpid); }), 0);
    EXPECT_EQ(end_of(program, [] { (void)error_of(SYS_getpid | x32_bit); }), 128 + SIGSYS);
    if (has_i386()) {
        EXPECT_EQ(end_of(program, [] { (void)call_i386(20); }), 128 + SIGSYS);
    }
}

struct Ending {
    const char* action;
    int status;
};
class Fatal : public testing::TestWithParam<Ending> {};
TEST_P(Fatal, EndsTheProcess) {
    const Program program = compiled(cat(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["getpid"],"action":"SCMP_ACT_)",
                                         GetParam().action, R"("}]})"));
    EXPECT_EQ(end_of(program, [] { (void)::syscall(SYS_getpid); }), GetParam().status);
    EXPECT_EQ(end_of(program, [] { (void)::syscall(SYS_getppid); }), 0);
}
INSTANTIATE_TEST_SUITE_P(all, Fatal,
                         testing::Values(Ending{"KILL", 128 + SIGSYS}, Ending{"KILL_THREAD", 128 + SIGSYS},
                                         Ending{"KILL_PROCESS", 128 + SIGSYS}, Ending{"TRAP", 128 + SIGSYS},
                                         Ending{"LOG", 0}));

TEST(Kernel, TracesWithoutATracerAsNotThere) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["getpid"],"action":"SCMP_ACT_TRACE","errnoRet":9}]})");
    in_child([&] {
        ASSERT_EQ(load(program), 0);
        EXPECT_EQ(error_of(SYS_getpid), ENOSYS);
    });
}

TEST(Kernel, ComparesArguments) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["getppid"],
        "action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":4294967301,"op":"SCMP_CMP_EQ"}]}]})");
    in_child([&] {
        ASSERT_EQ(load(program), 0);
        EXPECT_EQ(error_of(SYS_getppid, 5), 0);
        EXPECT_EQ(error_of(SYS_getppid, 4294967301), EPERM);
    });
}

TEST(Kernel, GivesAListenerThatAnswers) {
    const Program program = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["getpid"],"action":"SCMP_ACT_NOTIFY"}]})");
    ASSERT_TRUE(program.notifies);
    in_child([&] {
        const int listener = load(program);
        ASSERT_GT(listener, 2);
        const pid_t caller = ::fork();
        if (caller == 0) ::_exit(error_of(SYS_getpid) == 99 ? 7 : 1);
        pollfd ready{listener, POLLIN, 0};
        ASSERT_EQ(::poll(&ready, 1, 5000), 1);
        seccomp_notif question{};
        ASSERT_EQ(::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question), 0);
        EXPECT_EQ(question.data.nr, SYS_getpid);
        seccomp_notif_resp reply{.id = question.id, .val = 0, .error = -99, .flags = 0};
        EXPECT_EQ(::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply), 0);
        EXPECT_EQ(reap(caller), 7);
    });
}

TEST(Kernel, TakesEveryFlagThatItSaysItTakes) {
    std::string flags;
    for (const std::string_view flag : supported_flags())
        flags.append(cat(flags.empty() ? "" : ",", quoted(flag)));
    const Program program =
        compiled(cat(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":[)", flags,
                     R"(], "syscalls":[{"names":["getpid"],"action":"SCMP_ACT_NOTIFY"}]})"));
    in_child([&] { EXPECT_GT(load(program), 2) << flags; });
}

// ---- the default profile --------------------------------------------------------------------------------

// The exit status of a program of the host under the default profile; nullopt where there is none such.
std::optional<int> confined(std::vector<const char*> argv) {
    if (::access(argv[0], X_OK) != 0) return std::nullopt;
    argv.push_back(nullptr);
    const Program program = compile(default_profile()).value();
    const pid_t child = ::fork();
    if (child == 0) {
        if (load(program) != 0) ::_exit(99);
        ::execv(argv[0], const_cast<char* const*>(argv.data()));
        ::_exit(98);
    }
    return reap(child);
}

struct Example {
    const char* what;
    std::vector<const char*> argv;
    int status;
};
class DefaultProfile : public testing::TestWithParam<Example> {};

TEST_P(DefaultProfile, With) {
    const auto status = confined(GetParam().argv);
    if (!status) GTEST_SKIP() << GetParam().argv[0] << " is not here";
    EXPECT_EQ(*status, GetParam().status);
}

std::string name_of(const testing::TestParamInfo<Example>& example) {
    std::string name = example.param.what;
    std::ranges::replace(name, ' ', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(
    runs, DefaultProfile,
    testing::Values(
        Example{"busybox", {"/usr/bin/busybox", "sh", "-c", "ls / | cat >/dev/null; (exit 3) & wait $!"}, 3},
        Example{
            "pipes and jobs",
            {"/bin/bash", "-c", "set -e; echo a | sort | tee >(cat) >/dev/null; sleep 0.01 & wait; exit 4"},
            4},
        Example{"apt", {"/usr/bin/apt-get", "--version"}, 0},
        Example{"dpkg", {"/usr/bin/dpkg", "--print-architecture"}, 0},
        Example{"threads and processes",
                {"/usr/bin/python3", "-c",
                 "import threading, subprocess, asyncio, tempfile, os, multiprocessing\n"
                 "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
                 "subprocess.run(['true'], check=True)\n"
                 "asyncio.run(asyncio.sleep(0))\n"
                 "f = tempfile.TemporaryFile(); os.sendfile(f.fileno(), f.fileno(), 0, 1)\n"
                 "p = multiprocessing.Process(target=int); p.start(); p.join(); assert p.exitcode == 0"},
                0},
        Example{"sockets",
                {"/usr/bin/python3", "-c",
                 "import socket\n"
                 "for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_NETLINK):\n"
                 "    socket.socket(family, socket.SOCK_DGRAM).close()\n"
                 "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"},
                0}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    refuses, DefaultProfile,
    testing::Values(Example{"vsock", {"/usr/bin/python3", "-c", "import socket; socket.socket(40, 1)"}, 1},
                    Example{"namespaces", {"/usr/bin/unshare", "--mount", "true"}, 1},
                    Example{"user namespaces", {"/usr/bin/unshare", "--user", "true"}, 1}),
    name_of);

// ---- what it costs --------------------------------------------------------------------------------------

std::uint64_t median_us(int rounds, const auto& act) {
    std::vector<std::uint64_t> times;
    for (int round = 0; round < rounds; ++round) {
        const auto begin = bulkhead::sys::monotonic_ns();
        act();
        times.push_back((bulkhead::sys::monotonic_ns() - begin) / 1000);
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}

TEST(Cost, OfACachedProgramIsSmall) {
    const bulkhead::test::Folder root;
    const spec::Seccomp profile = default_profile();
    const auto cold = median_us(5, [&] { ASSERT_TRUE(compile(profile)); });
    const auto first = median_us(1, [&] { ASSERT_TRUE(cached_program(root.fd(), profile)); });
    const auto warm = median_us(51, [&] { ASSERT_TRUE(cached_program(root.fd(), profile)); });
    RecordProperty("compile_us", static_cast<int>(cold));
    RecordProperty("first_us", static_cast<int>(first));
    RecordProperty("cached_us", static_cast<int>(warm));
#ifdef BULKHEAD_INSTRUMENTED
    EXPECT_LT(warm * 5, cold);
#else  // less than a millisecond where a compilation takes 22; an emulated machine is slower in both
    EXPECT_LT(warm * 25, cold);
#endif
}

}  // namespace
}  // namespace bulkhead::seccomp::test

#endif
