// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "runtime/stage/stage_ops.hpp"

namespace bulkhead::stage {
namespace {

using test::fails;
using test::in_child;
using test::Stage;
using test::succeeded;

// A stage whose report socket leads to `host`.
struct Connected {
    Connected() {
        auto ends = std::move(*sys::message_pair());
        host = std::move(ends.first);
        report = std::move(ends.second);
        stage.context.report = report.number();
    }
    plan::Report heard() const {
        plan::Report said{};
        EXPECT_EQ(sys::receive(host.number(), {reinterpret_cast<char*>(&said), sizeof said})->size,
                  sizeof said);
        return said;
    }
    Stage stage;
    Fd host, report;
};

TEST(ResetSignals, IgnoredAndBlockedOnesBecomeDefault) {
    in_child([] {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, nullptr);
        for (const int signal : {SIGPIPE, SIGHUP, SIGTERM, SIGRTMIN, SIGRTMAX}) ::signal(signal, SIG_IGN);
        ::signal(SIGUSR1, [](int) {});
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::ResetSignals{})));
        const std::string status = test::text_of("/proc/self/status");
        for (const char* set : {"SigBlk", "SigIgn", "SigCgt"})
            EXPECT_NE(status.find(cat(set, ":\t0000000000000000")), std::string::npos) << set;
    });
}

TEST(AwaitGo, ReturnsOnGoAlone) {
    const Connected both;
    ASSERT_TRUE(sys::send(both.host.number(), {&plan::go_message, 1}));
    EXPECT_TRUE(succeeded(apply(const_cast<plan::StageContext&>(both.stage.context), plan::AwaitGo{})));
}

TEST(AwaitGo, AnotherMessageOrTheEndCancels) {
    Connected both;
    ASSERT_TRUE(sys::send(both.host.number(), "x"));
    EXPECT_TRUE(fails(apply(both.stage.context, plan::AwaitGo{}), ECANCELED, plan::Call::read));
    both.host.reset();
    EXPECT_TRUE(fails(apply(both.stage.context, plan::AwaitGo{}), ECANCELED, plan::Call::read));
}

TEST(AwaitGo, WakesWhenTheHostDies) {
    Connected both;
    const pid_t host = ::fork();
    if (host == 0) {
        sys::pause(30);
        ::_exit(0);
    }
    both.host.reset();
    EXPECT_TRUE(fails(apply(both.stage.context, plan::AwaitGo{}), ECANCELED, plan::Call::read));
    test::reap(host);
}

TEST(ReportReady, SaysSo) {
    Connected both;
    ASSERT_TRUE(succeeded(apply(both.stage.context, plan::ReportReady{})));
    EXPECT_EQ(both.heard().kind, plan::ReportKind::ready);
    both.host.reset();
    in_child([&] {  // EPIPE, and no signal
        EXPECT_TRUE(fails(apply(both.stage.context, plan::ReportReady{}), EPIPE, plan::Call::sendmsg));
    });
}

// A process that waits for `start`; it exits with 0 once it was woken, and dies after a minute at the latest.
struct Waiter {
    Waiter() {
        EXPECT_TRUE(sys::make_fifo_at(folder.fd(), "fifo", 0600));
        fifo = std::move(*sys::open(folder / "fifo", O_RDWR | O_NONBLOCK));
        Stage stage;
        const plan::AwaitStart op{stage.slot(fifo.number())};
        pid = ::fork();
        if (pid == 0) {
            ::alarm(60);
            ::_exit(apply(stage.context, op) ? 0 : 1);
        }
    }
    test::Folder folder;
    Fd fifo;
    pid_t pid = -1;
};

TEST(AwaitStart, WakesOnAByteAndNotOnAnOpener) {
    const Waiter waiter;
    { const Fd opener = std::move(*sys::open(waiter.folder / "fifo", O_WRONLY | O_NONBLOCK)); }
    sys::pause(30);
    EXPECT_EQ(::waitpid(waiter.pid, nullptr, WNOHANG), 0) << "an opener that wrote nothing woke it";
    ASSERT_TRUE(sys::write(waiter.fifo.number(), "s"));
    EXPECT_EQ(test::reap(waiter.pid), 0);
}

TEST(AwaitStart, SurvivesStopAndContinue) {
    const Waiter waiter;
    for (const int signal : {SIGSTOP, SIGCONT, SIGSTOP, SIGCONT}) {
        sys::pause(10);
        ::kill(waiter.pid, signal);
    }
    sys::pause(10);
    EXPECT_EQ(::waitpid(waiter.pid, nullptr, WNOHANG), 0);
    ASSERT_TRUE(sys::write(waiter.fifo.number(), "s"));
    EXPECT_EQ(test::reap(waiter.pid), 0);
}

TEST(AwaitStart, OfASlotThatIsClosedWakesAtOnce) {
    Stage stage;  // poll(2) says POLLNVAL, which is no reason to sleep for ever
    EXPECT_TRUE(succeeded(apply(stage.context, plan::AwaitStart{stage.slot(9999)})));
}

TEST(CloseDescriptors, LeavesTheReportSocketAlone) {
    in_child([] {
        for (const int fd : {50, 60, 61, 62, 900}) ASSERT_EQ(::dup2(1, fd), fd);
        Stage stage;
        stage.context.report = 61;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::CloseDescriptors{51})));
        for (const int fd : {60, 62, 900}) EXPECT_FALSE(test::is_open(fd)) << fd;
        for (const int fd : {50, 61}) EXPECT_TRUE(test::is_open(fd)) << fd;
    });
}

TEST(CloseDescriptors, WithTheReportSocketFirst) {
    in_child([] {
        for (const int fd : {51, 52}) ASSERT_EQ(::dup2(1, fd), fd);
        Stage stage;
        stage.context.report = 51;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::CloseDescriptors{51})));
        EXPECT_TRUE(test::is_open(51));
        EXPECT_FALSE(test::is_open(52));
    });
}

TEST(KeepDescriptor, OnEitherSideOfTheReportSocket) {
    for (const int report : {70, 90})
        in_child([report] {
            for (const int fd : {60, 70, 75, 80, 85, 90, 900}) ASSERT_EQ(::dup2(1, fd), fd);
            Stage stage;
            stage.context.report = report;
            ASSERT_TRUE(succeeded(apply(stage.context, plan::KeepDescriptor{stage.slot(80), {}})));
            ASSERT_TRUE(succeeded(apply(stage.context, plan::CloseDescriptors{61})));
            for (const int fd : {70, 75, 80, 85, 90, 900})
                EXPECT_EQ(test::is_open(fd), fd == 80 || fd == report) << fd;
            EXPECT_TRUE(test::is_open(60));
        });
}

TEST(KeepDescriptor, Twice) {
    for (const auto& [fifo, socket] : {std::pair(75, 80), std::pair(80, 75), std::pair(62, 900)})
        in_child([fifo, socket] {
            for (const int fd : {61, 62, 70, 75, 80, 85, 900}) ASSERT_EQ(::dup2(1, fd), fd);
            Stage stage;
            stage.context.report = 70;
            for (const int fd : {fifo, socket})
                ASSERT_TRUE(succeeded(apply(stage.context, plan::KeepDescriptor{stage.slot(fd), {}})));
            ASSERT_TRUE(succeeded(apply(stage.context, plan::CloseDescriptors{61})));
            for (const int fd : {61, 62, 70, 75, 80, 85, 900})
                EXPECT_EQ(test::is_open(fd), fd == 70 || fd == fifo || fd == socket) << fd;
        });
}

TEST(KeepDescriptor, HoldsForOneTime) {
    in_child([] {
        for (const int fd : {60, 70}) ASSERT_EQ(::dup2(1, fd), fd);
        Stage stage;
        stage.context.report = 70;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::KeepDescriptor{stage.slot(60), {}})));
        for (const bool kept : {true, false}) {
            ASSERT_TRUE(succeeded(apply(stage.context, plan::CloseDescriptors{51})));
            EXPECT_EQ(test::is_open(60), kept);
        }
    });
}

TEST(KeepDescriptor, HasRoomForFour) {
    Stage stage;
    for (int fd = 60; fd < 64; ++fd)
        ASSERT_TRUE(succeeded(apply(stage.context, plan::KeepDescriptor{stage.slot(fd), {}})));
    EXPECT_TRUE(
        fails(apply(stage.context, plan::KeepDescriptor{stage.slot(64), {}}), ENOSPC, plan::Call::check));
}

TEST(ReportExecution, CarriesTheTimesAndNeedsNobodyWhoHears) {
    Connected both;
    plan::StepTime times[2] = {{100, 1, 0}, {200, 2, 0}};
    both.stage.context.times = times;
    both.stage.context.time_count = 2;
    ASSERT_TRUE(succeeded(apply(both.stage.context, plan::ReportExecution{})));
    struct {
        plan::Report report;
        plan::StepTime times[3];
    } heard{};
    const auto message = sys::receive(both.host.number(), {reinterpret_cast<char*>(&heard), sizeof heard});
    EXPECT_EQ(message->size, sizeof(plan::Report) + sizeof times);
    EXPECT_EQ(heard.report.kind, plan::ReportKind::executing);
    EXPECT_EQ(heard.times[1].ended, 200u);
    both.host.reset();
    in_child([&] { EXPECT_TRUE(succeeded(apply(both.stage.context, plan::ReportExecution{}))); });
}

TEST(Respawn, GoesOnAsASiblingInThePidNamespace) {
    NEEDS_ROOT();
    Connected both;
    std::fflush(nullptr);
    const pid_t first = ::fork();
    if (first == 0) {
        ::alarm(60);
        if (::unshare(CLONE_NEWPID) != 0) ::_exit(90);
        if (!apply(both.stage.context, plan::Respawn{})) ::_exit(91);
        ::_exit(::getpid() == 1 ? 42 : 43);
    }
    EXPECT_EQ(test::reap(first), 0) << "the first one leaves";
    const plan::Report said = both.heard();
    EXPECT_EQ(said.kind, plan::ReportKind::respawned);
    EXPECT_EQ(test::reap(said.error), 42) << "the copy is our child, too";
}

TEST(Respawn, WhereThePidNamespaceIsDeadFails) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::unshare(CLONE_NEWPID), 0);
        in_child([] {});  // its first process, and its last
        Connected both;
        EXPECT_TRUE(fails(apply(both.stage.context, plan::Respawn{}), ENOMEM, plan::Call::clone));
    });
}

TEST(Execute, FailsWithTheErrnoOfExecve) {
    Stage stage;
    stage.context.candidates = stage.texts({"/missing", "/missing/too"});
    stage.context.program = 1;
    const plan::Execute op{stage.texts({"x"}), stage.texts({"A=1"}), stage.pointers(2), stage.pointers(2)};
    EXPECT_TRUE(fails(apply(stage.context, op), ENOENT, plan::Call::execve));
    char** argv = stage.context.arena.pointers(op.argv);
    EXPECT_STREQ(argv[0], "x");
    EXPECT_EQ(argv[1], nullptr);
}

TEST(Execute, BecomesTheProgram) {
    Stage stage;
    stage.context.candidates = stage.texts({"/bin/true"});
    const plan::Execute op{stage.texts({"true"}), stage.texts({}), stage.pointers(2), stage.pointers(1)};
    in_child([&] { EXPECT_TRUE(succeeded(apply(stage.context, op))); });
}

}  // namespace
}  // namespace bulkhead::stage
