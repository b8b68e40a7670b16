// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include "base/sys.hpp"
#include "runtime/record/identity.hpp"
#include "support/child.hpp"

namespace bulkhead::runtime {
namespace {

// A stat line: the fields behind the command are 3 (the state), then numbers up to 52.
std::string stat_line(std::string_view command, char state, std::string_view start_time) {
    std::string line = cat("7 (", command, ") ", state);
    for (int field = 4; field <= 52; ++field) line.append(" ").append(field == 22 ? start_time : "0");
    return line + "\n";
}

// A child that sleeps until it is killed.
class Sleeper {
  public:
    Sleeper() {
        pid = ::fork();
        if (pid == 0)
            for (;;) ::pause();
    }
    ~Sleeper() {
        kill();
        bury();
    }
    void kill() const { ::kill(pid, SIGKILL); }
    // Until it is a zombie, unreaped.
    void await_end() const {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    }
    void bury() {
        if (!std::exchange(buried_, true)) test::reap(pid);
    }
    pid_t pid;

  private:
    bool buried_ = false;
};

TEST(ParseStat, FindsStateAndStartTimeBehindAnyCommand) {
    for (const char* command : {"sh", "a) R 1 2 3", "((((", "))))", ") Z 0 0", "a\nb) X ", "", " "}) {
        const auto status = parse_stat(stat_line(command, 'S', "18446744073709551615"));
        ASSERT_TRUE(status) << command;
        EXPECT_EQ(status->state, 'S') << command;
        EXPECT_EQ(status->start_time, 18446744073709551615ul) << command;
    }
}

TEST(ParseStat, RefusesWhatIsNoStat) {
    const std::string good = stat_line("sh", 'S', "5");
    for (const std::string& text :
         {std::string(), std::string("7 (sh"), std::string("7 (sh) S 0 0"), stat_line("sh", 'S', "-5"),
          stat_line("sh", 'S', "x"), stat_line("sh", 'S', ""), std::string("7 (sh) SS") + good.substr(8)})
        EXPECT_FALSE(parse_stat(text)) << text;
}

TEST(ProcessStatus, TheDeadAreNotAlive) {
    for (const char state : {'Z', 'X', 'x'}) EXPECT_FALSE(ProcessStatus{.state = state}.alive()) << state;
    EXPECT_TRUE((ProcessStatus{.state = 'Z', .threads = 2}.alive())) << "its first thread has ended";
    EXPECT_FALSE((ProcessStatus{.state = 'X', .threads = 2}.alive()));
    for (const char state : {'R', 'S', 'D', 'T', 't', 'I'})
        EXPECT_TRUE(ProcessStatus{.state = state}.alive()) << state;
}

TEST(ProcessStatus, OfThisProcessAndOfNone) {
    const auto own = process_status(::getpid());
    ASSERT_TRUE(own);
    EXPECT_GT(own->start_time, 0u);
    EXPECT_FALSE(process_status(0));
    EXPECT_FALSE(process_status(2'000'000'000));
}

TEST(ProcessStatus, OfACommandThatLooksLikeAStat) {
    test::in_child([] {
        ::prctl(PR_SET_NAME, "a) Z 1 (b\n) x");
        const auto status = process_status(::getpid());
        ASSERT_TRUE(status);
        EXPECT_EQ(status->state, 'R');
    });
}

TEST(SameProcess, NeedsTheRightStartTime) {
    const Sleeper sleeper;
    const std::uint64_t start = process_status(sleeper.pid)->start_time;
    EXPECT_TRUE(open_same_process(sleeper.pid, start, 0));
    EXPECT_FALSE(open_same_process(sleeper.pid, start + 1, 0));
    EXPECT_FALSE(open_same_process(sleeper.pid, 0, 0));
}

TEST(SameProcess, NeedsTheRightInodeWhereItHasOne) {
    const Sleeper sleeper;
    const std::uint64_t start = process_status(sleeper.pid)->start_time;
    const std::uint64_t inode = pidfd_inode(sys::open_process(sleeper.pid)->number());
    if (inode == 0) GTEST_SKIP() << "before Linux 6.9 all pidfds have the same inode";
    EXPECT_TRUE(open_same_process(sleeper.pid, start, inode));
    EXPECT_FALSE(open_same_process(sleeper.pid, start, inode + 1));
    EXPECT_NE(inode, pidfd_inode(sys::open_process(::getpid())->number()));
}

TEST(SameProcess, ThePidfdIsOfThatProcess) {
    const Sleeper sleeper;
    const auto process = open_same_process(sleeper.pid, process_status(sleeper.pid)->start_time, 0);
    ASSERT_TRUE(process);
    ASSERT_TRUE(sys::signal_process(process->number(), SIGKILL));
    sleeper.await_end();
}

TEST(SameProcess, IsNeitherZombieNorGone) {
    Sleeper sleeper;
    const std::uint64_t start = process_status(sleeper.pid)->start_time;
    sleeper.kill();
    sleeper.await_end();
    ASSERT_EQ(process_status(sleeper.pid)->state, 'Z');
    EXPECT_FALSE(open_same_process(sleeper.pid, start, 0));
    sleeper.bury();
    EXPECT_FALSE(open_same_process(sleeper.pid, start, 0));
}

TEST(SameProcess, NoPidIsNoProcess) {
    for (const pid_t pid : {0, -1, -::getpid()}) EXPECT_FALSE(open_same_process(pid, 0, 0)) << pid;
}

}  // namespace
}  // namespace bulkhead::runtime
