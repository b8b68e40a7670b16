// SPDX-License-Identifier: Apache-2.0
// Each test confines a child of its own.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <csignal>

#include "base/robust_word.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "seccomp/init_ops.hpp"

namespace bulkhead::seccomp {
namespace {

using test::fails;
using test::in_child;
using test::Stage;
using test::succeeded;

// `action` for one call, everything else is allowed.
std::vector<sock_filter> filter_of(unsigned call, unsigned action) {
    return {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
            {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call},
            {BPF_RET | BPF_K, 0, 0, action},
            {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
}

plan::LoadSeccomp load(Stage& stage, const std::vector<sock_filter>& filter, std::uint32_t flags = 0) {
    std::vector<std::uint32_t> numbers(filter.size() * 2);
    if (!filter.empty()) std::memcpy(numbers.data(), filter.data(), filter.size() * sizeof(sock_filter));
    return {.program = stage.numbers(numbers), .flags = flags};
}

bool forbid_new_privileges() { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

TEST(LoadSeccomp, PutsTheFilterInForce) {
    in_child([] {
        ASSERT_TRUE(forbid_new_privileges());
        Stage stage;
        const std::size_t before = test::open_descriptors();
        const auto op = load(stage, filter_of(SYS_getppid, SECCOMP_RET_ERRNO | 77));
        ASSERT_TRUE(succeeded(apply(stage.context, op)));
        EXPECT_EQ(::syscall(SYS_getppid), -1);
        EXPECT_EQ(errno, 77);
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(LoadSeccomp, OfAProgramThatTheKernelRefuses) {
    in_child([] {
        ASSERT_TRUE(forbid_new_privileges());
        Stage stage;
        const std::vector<sock_filter> endless{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}};
        EXPECT_TRUE(fails(apply(stage.context, load(stage, endless)), EINVAL, plan::Call::seccomp));
        EXPECT_TRUE(fails(apply(stage.context, load(stage, {})), EINVAL, plan::Call::seccomp));
    });
}

TEST(LoadSeccomp, WithoutPrivilegeNeedsNoNewPrivs) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        const auto op = load(stage, filter_of(SYS_getppid, SECCOMP_RET_ALLOW));
        EXPECT_TRUE(fails(apply(stage.context, op), EACCES, plan::Call::seccomp));
    });
}

// The number has to be known before: behind it, the filter may stop the report itself.
TEST(ReportListener, SaysTheNumberOfTheListenerBeforeItIsThere) {
    in_child([] {
        ASSERT_TRUE(forbid_new_privileges());
        const auto [host, report] = std::move(*sys::message_pair());
        Stage stage;
        stage.context.report = report.number();
        const auto op =
            load(stage, filter_of(SYS_getppid, SECCOMP_RET_USER_NOTIF), SECCOMP_FILTER_FLAG_NEW_LISTENER);
        ASSERT_TRUE(succeeded(apply(stage.context, plan::ReportListener{})));
        ASSERT_TRUE(succeeded(apply(stage.context, op)));
        plan::Report said{};
        ASSERT_TRUE(sys::receive(host.number(), {reinterpret_cast<char*>(&said), sizeof said}));
        EXPECT_EQ(said.kind, plan::ReportKind::listening);
        EXPECT_EQ(sys::link_target(cat("/proc/self/fd/", said.error)).value(), "anon_inode:seccomp notify");
        EXPECT_TRUE(test::closes_on_exec(said.error));
    });
}

TEST(ReportListener, NeedsAHostToHear) {
    Stage stage;
    EXPECT_TRUE(fails(apply(stage.context, plan::ReportListener{}), EBADF, plan::Call::dup3));
}

// A process that waits for the word in the page, and may then call read, write and exit and nothing else.
pid_t start_waiter(const Fd& page) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::alarm(60);
    Stage stage;
    if (!apply(stage.context, plan::MapHandshake{stage.slot(page.number())})) ::_exit(1);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);  // anything else is SIGKILL
    const bool delivered = static_cast<bool>(apply(stage.context, plan::AwaitDelivery{}));
    for (;;) ::syscall(SYS_exit, delivered ? 42 : 43);
}

TEST(AwaitDelivery, EndsWithTheHostsWordAndCallsNothing) {
    RobustWord word = RobustWord::make().value();
    const Fd page = word.take_file();
    const pid_t waiter = start_waiter(page);
    sys::pause(20);
    EXPECT_EQ(::waitpid(waiter, nullptr, WNOHANG), 0) << "it did not wait";
    word.release();
    EXPECT_EQ(test::reap(waiter), 42);
}

TEST(AwaitDelivery, TrapsWhereTheHostHasDied) {
    const int ends[] = {SIGKILL, SIGTERM, 0};
    for (const int end : ends) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe(pipe.data()), 0);
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        std::fflush(nullptr);
        const pid_t host = ::fork();
        if (host == 0) {
            RobustWord word = RobustWord::make().value();
            const pid_t waiter = start_waiter(word.take_file());
            (void)!::write(pipe[1], &waiter, sizeof waiter);
            if (end == 0) ::_exit(0);
            for (;;) ::pause();
        }
        pid_t waiter = 0;
        ASSERT_EQ(::read(pipe[0], &waiter, sizeof waiter), static_cast<ssize_t>(sizeof waiter));
        if (end != 0) ::kill(host, end);
        test::reap(host);
        EXPECT_EQ(test::reap(waiter), 128 + SIGILL);
        ::close(pipe[0]);
        ::close(pipe[1]);
    }
}

TEST(MapHandshake, OfNoFileFails) {
    Stage stage;
    EXPECT_TRUE(fails(apply(stage.context, plan::MapHandshake{stage.slot(9999)}), EBADF, plan::Call::check));
    EXPECT_EQ(stage.context.handshake, nullptr);
}

}  // namespace
}  // namespace bulkhead::seccomp
