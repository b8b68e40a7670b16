// SPDX-License-Identifier: Apache-2.0
// Shells as hooks, watched over for real; no privileges needed.
#include "runtime/steps/supervise.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

// A shell that leads its own session, as a hook does.
struct Shell {
    explicit Shell(const char* script) {
        sys::Pipe pipe = std::move(*sys::pipe());
        pid = ::fork();
        if (pid == 0) {
            ::setsid();
            ::dup2(pipe.writer.number(), 1);
            ::dup2(pipe.writer.number(), 2);
            ::execl("/bin/sh", "sh", "-c", script, nullptr);
            ::_exit(127);
        }
        output = std::move(pipe.reader);
        process = std::move(*sys::open_process(pid));
    }

    pid_t pid = -1;
    Fd output;
    Fd process;
};

struct Timed {
    Supervised result;
    double seconds = 0;
};

Timed watch(const char* script, std::optional<std::int64_t> timeout_s = std::nullopt) {
    const Shell shell(script);
    const std::uint64_t begin = sys::monotonic_ns();
    auto done = supervise(shell.pid, shell.process, shell.output, timeout_s);
    EXPECT_TRUE(done) << done.error().text;
    EXPECT_EQ(::waitpid(shell.pid, nullptr, WNOHANG), -1) << "not reaped";
    return {done ? std::move(*done) : Supervised{},
            static_cast<double>(sys::monotonic_ns() - begin) / 1'000'000'000};
}

TEST(Supervise, TellsHowItEnded) {
    const Supervised good = watch("exit 0").result, bad = watch("exit 7").result,
                     killed = watch("kill -SEGV $$").result, high = watch("exit 139").result;
    EXPECT_TRUE(good.ending.value == 0 && !good.ending.by_signal && good.in_time);
    EXPECT_TRUE(bad.ending.value == 7 && !bad.ending.by_signal);
    EXPECT_TRUE(killed.ending.value == SIGSEGV && killed.ending.by_signal);
    EXPECT_TRUE(high.ending.value == 139 && !high.ending.by_signal) << "not to be taken for a signal";
}

TEST(Supervise, KeepsWhatWasWritten) {
    const Supervised hook = watch("echo out; echo err >&2").result;
    EXPECT_EQ(hook.output, "out\nerr\n");
    EXPECT_FALSE(hook.cut);
    EXPECT_EQ(watch(":").result.output, "");
}

TEST(Supervise, OfAFloodKeepsTheEnd) {
    const Supervised hook = watch("head -c 50000000 /dev/zero; echo reason; exit 1").result;
    EXPECT_EQ(hook.ending.value, 1);
    EXPECT_EQ(hook.output.size(), Supervised::output_limit);
    EXPECT_TRUE(hook.output.ends_with("reason\n"));
    EXPECT_TRUE(hook.cut);
}

TEST(Supervise, KillsTheWholeGroupAtTheTimeout) {
    const Folder folder;
    const std::string script = cat("(sleep 4; echo late > ", folder.path(), "/late) & sleep 60");
    const Timed hook = watch(script.c_str(), 1);
    EXPECT_FALSE(hook.result.in_time);
    EXPECT_GE(hook.seconds, 1.0);
    EXPECT_LT(hook.seconds, 3.0);
    ::sleep(4);
    EXPECT_FALSE(test::is_there(folder / "late"));
}

TEST(Supervise, TheTimeoutHoldsForWhoeverIgnoresFloodsOrStops) {
    for (const char* script : {"trap '' TERM INT HUP; while :; do sleep 1; done", "exec cat /dev/zero",
                               "kill -STOP $$", "setsid sleep 6 & exec sleep 60"}) {
        const Timed hook = watch(script, 1);
        EXPECT_FALSE(hook.result.in_time) << script;
        EXPECT_LT(hook.seconds, 5.0) << script;
    }
}

TEST(Supervise, DoesNotWaitForADaemonThatHoldsTheOutput) {
    const Timed hook = watch("echo said; sleep 6 &", 60);
    EXPECT_TRUE(hook.result.in_time);
    EXPECT_EQ(hook.result.output, "said\n");
    EXPECT_LT(hook.seconds, 5.0);
}

TEST(Supervise, LeavesADaemonOfItsGroupAlone) {
    const Folder folder;
    const std::string script = cat("(sleep 0.3; echo alive > ", folder.path(), "/daemon) > /dev/null 2>&1 &");
    EXPECT_EQ(watch(script.c_str(), 5).result.ending.value, 0);
    for (int waited = 0; waited < 3000 && !test::is_there(folder / "daemon"); waited += 10) sys::pause(10);
    EXPECT_TRUE(test::is_there(folder / "daemon"));
}

TEST(Supervise, IsNotStoppedByADaemonThatNeverStopsWriting) {
    const Timed hook = watch("cat /dev/zero & exit 3", 60);
    EXPECT_EQ(hook.result.ending.value, 3);
    EXPECT_LT(hook.seconds, 5.0);
}

TEST(Supervise, WaitsForTheProcessAndNotForItsOutput) {
    const Timed hook = watch("exec > /dev/null 2>&1; sleep 0.3; exit 5");
    EXPECT_EQ(hook.result.ending.value, 5);
    EXPECT_GE(hook.seconds, 0.3);
}

TEST(Supervise, ATimeoutThatNoClockReachesIsNone) {
    for (const std::int64_t seconds : {std::int64_t{1} << 31, std::int64_t{1} << 62, INT64_MAX})
        EXPECT_TRUE(watch("sleep 0.1", seconds).result.in_time) << seconds;
}

}  // namespace
}  // namespace bulkhead::runtime
