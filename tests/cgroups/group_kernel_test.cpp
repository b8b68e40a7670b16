// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

#include "cgroups/group/group.hpp"
#include "kernel_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

class Group : public testing::CgroupTest {};
class Removal : public testing::CgroupTest {};
class Killing : public testing::CgroupTest {};
class Signalling : public testing::CgroupTest {};
class Freezing : public testing::CgroupTest {};

TEST_F(Group, IsMadeWithItsParentsAndFoundAgain) {
    const auto made = make(root(), path + "/pod/container").value();
    EXPECT_TRUE(made.created);
    EXPECT_NE(made.inode, 0u);
    EXPECT_FALSE(populated(made.fd.number()).value());
    EXPECT_FALSE(frozen(made.fd.number()).value());
    const auto found = cgroups::open(root(), path + "/pod/container").value();
    EXPECT_EQ(sys::status_of(found.number())->st_ino, made.inode);
    EXPECT_EQ(::fcntl(made.fd.number(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(Group, ParentsStayWhenItGoes) {
    ASSERT_TRUE(make(root(), path + "/pod/container"));
    ASSERT_TRUE(cgroups::remove(root(), path + "/pod/container", 0));
    EXPECT_FALSE(cgroups::open(root(), path + "/pod/container"));
    EXPECT_TRUE(cgroups::open(root(), path + "/pod"));
}

TEST_F(Group, AnEmptyOneIsTakenAsItIs) {
    const auto first = make(root(), path).value();
    const auto second = make(root(), path).value();
    EXPECT_FALSE(second.created);
    EXPECT_EQ(second.inode, first.inode);
}

TEST_F(Group, AnOccupiedOneIsRefused) {
    const auto made = make(root(), path).value();
    start_in(made.fd.number());
    start_in(make(root(), path + "/below").value().fd.number());
    const auto again = make(root(), path);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, Kind::exists);
    EXPECT_EQ(again.error().text,
              "cgroup " + path + ": container's cgroup is not empty: 2 process(es) found");
    EXPECT_EQ(processes(made.fd.number()).value(), children);
}

TEST_F(Group, AFrozenOneIsRefused) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(write_kernel_file(made.fd.number(), "cgroup.freeze", "1"));
    const auto again = make(root(), path);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().text, "cgroup " + path + ": container's cgroup unexpectedly frozen");
}

TEST_F(Group, BelowAFrozenOneNothingIsLeftBehind) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(write_kernel_file(made.fd.number(), "cgroup.freeze", "1"));
    ASSERT_FALSE(make(root(), path + "/below"));
    EXPECT_FALSE(cgroups::open(root(), path + "/below"));
}

TEST_F(Group, WithoutTheControllersOfAHybridHostIsStillUsable) {
    const auto made = make(root(), path).value();
    EXPECT_EQ(
        testing::in_child([&] { return write_kernel_file(made.fd.number(), "cgroup.procs", "0") ? 0 : 1; }),
        0);
}

TEST_F(Group, APathThatContainerPathCannotHaveMadeIsRefused) {
    for (const std::string bad : {"", "/", "x", "/../x", "/a/../../x"}) {
        EXPECT_FALSE(make(root(), bad)) << bad;
        EXPECT_FALSE(cgroups::open(root(), bad)) << bad;
        EXPECT_FALSE(cgroups::remove(root(), bad, 0)) << bad;
    }
}

TEST_F(Removal, OfWhatIsNotThereIsASuccess) {
    EXPECT_TRUE(cgroups::remove(root(), path, 0));
    EXPECT_TRUE(cgroups::remove(root(), path + "/never/was", 0, 12345));
}

TEST_F(Removal, TakesOnlyTheOneThatWasMeant) {
    const auto first = make(root(), path).value();
    ASSERT_TRUE(cgroups::remove(root(), path, 0, first.inode));
    const auto second = make(root(), path).value();
    EXPECT_NE(second.inode, first.inode);
    EXPECT_TRUE(cgroups::remove(root(), path, 0, first.inode));
    EXPECT_TRUE(cgroups::open(root(), path));
}

TEST_F(Removal, OfAllBelowLeavesWhatIsKept) {
    const auto top = make(root(), path).value();
    ASSERT_TRUE(make(root(), path + "/old/older"));
    const auto kept = cgroups::inodes(top.fd.number()).value();
    EXPECT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[0], top.inode);
    ASSERT_TRUE(make(root(), path + "/old/new"));
    ASSERT_TRUE(make(root(), path + "/a/b"));
    const pid_t child = start_in(make(root(), path + "/c").value().fd.number());
    ::kill(child, SIGKILL);
    ASSERT_TRUE(cgroups::clear(root(), path, 5000, kept));
    EXPECT_EQ(cgroups::inodes(top.fd.number()).value(), kept);
}

TEST_F(Removal, OfAllBelowIsForTheOneThatWasMeant) {
    const auto top = make(root(), path).value();
    ASSERT_TRUE(make(root(), path + "/a"));
    EXPECT_TRUE(cgroups::clear(root(), path, 0, {top.inode + 1}));
    EXPECT_TRUE(cgroups::open(root(), path + "/a"));
    EXPECT_TRUE(cgroups::clear(root(), path + "/never/was", 0, {}));
    start_in(top.fd.number());
    EXPECT_EQ(cgroups::clear(root(), path, 30, {top.inode}).error().text,
              "cannot clear cgroup " + path + ": device or resource busy: 1 process(es) found after 30 ms");
}

TEST_F(Removal, Of50LevelsAnd300Siblings) {
    std::string deep = path;
    for (int level = 0; level < 50; ++level) deep += "/d";
    ASSERT_TRUE(make(root(), deep));
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(make(root(), path + "/wide/" + std::to_string(i)));
    const auto removed = cgroups::remove(root(), path, 5000);
    EXPECT_TRUE(removed) << removed.error().text;
    EXPECT_FALSE(cgroups::open(root(), path));
}

// Deeper than PATH_MAX and than there are descriptors: a container does that with mkdir and chdir.
TEST_F(Removal, OfADepthThatNoPathCanName) {
    Fd here = make(root(), path).value().fd;
    const std::string name(200, 'n');
    for (int level = 0; level < 60; ++level) {
        ASSERT_TRUE(sys::make_directory_at(here.number(), name, 0755));
        here = sys::open_at(here.number(), name, O_RDONLY | O_DIRECTORY).value();
    }
    here.reset();
    EXPECT_EQ(testing::in_child([&] {
                  const rlimit few{16, 16};
                  ::setrlimit(RLIMIT_NOFILE, &few);
                  return cgroups::remove(root(), path, 5000) ? 0 : 1;
              }),
              0);
    EXPECT_FALSE(cgroups::open(root(), path));
}

TEST_F(Removal, GivesUpAtItsDeadlineWithAReason) {
    const auto made = make(root(), path).value();
    start_in(made.fd.number());
    const auto begin = sys::monotonic_ns();
    const auto removed = cgroups::remove(root(), path, 30);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().text,
              "cannot remove cgroup " + path + ": device or resource busy: 1 process(es) found after 30 ms");
    EXPECT_LT(sys::monotonic_ns() - begin, 2'000'000'000u);
}

TEST_F(Removal, WaitsForTheLastProcess) {
    const auto made = make(root(), path).value();
    start_in(made.fd.number(), [] {
        ::usleep(50'000);
        ::_exit(0);
    });
    EXPECT_TRUE(cgroups::remove(root(), path, 5000));
}

TEST_F(Removal, RightAfterTheKillTakesLittleTime) {
    std::vector<std::uint64_t> times;
    for (int round = 0; round < 25; ++round) {
        const auto made = make(root(), path).value();
        start_in(made.fd.number());
        ASSERT_TRUE(kill_all(made.fd.number()));
        const auto begin = sys::monotonic_ns();
        ASSERT_TRUE(cgroups::remove(root(), path, 5000));
        times.push_back((sys::monotonic_ns() - begin) / 1000);
    }
    std::ranges::sort(times);
    RecordProperty("median_us", static_cast<int>(times[12]));
    // Some 25 ms on a busy machine, with sanitizers. A removal that sleeps for 100 ms between two looks is
    // seen.
    EXPECT_LT(times[12], 90'000u) << "microseconds";
}

void fork_for_ever() {
    for (;;) {
        const pid_t pid = ::fork();
        if (pid > 0) ::_exit(0);
        if (pid < 0) ::usleep(1000);
    }
}

TEST_F(Killing, EndsTwentyProcessesThatForkAllTheTime) {
    const auto made = make(root(), path).value();
    for (int i = 0; i < 20; ++i) start_in(made.fd.number(), fork_for_ever);
    ASSERT_TRUE(populated(made.fd.number()).value());
    ASSERT_TRUE(kill_all(made.fd.number()));
    EXPECT_TRUE(cgroups::remove(root(), path, 10'000));
}

TEST_F(Killing, EndsThemWithoutCgroupKillToo) {
    const auto made = make(root(), path).value();
    for (int i = 0; i < 20; ++i) start_in(made.fd.number(), fork_for_ever);
    const auto killed = kill_each(made.fd.number());
    ASSERT_TRUE(killed) << killed.error().text;
    EXPECT_FALSE(populated(made.fd.number()).value());
    EXPECT_FALSE(frozen(made.fd.number()).value());
}

TEST_F(Killing, ReachesFrozenOnesAndThoseBelow) {
    for (const bool by_kernel : {true, false}) {
        const auto made = make(root(), path).value();
        start_in(make(root(), path + "/below/deeper").value().fd.number());
        ASSERT_TRUE(write_kernel_file(made.fd.number(), "cgroup.freeze", "1"));
        ASSERT_TRUE(by_kernel ? kill_all(made.fd.number()) : kill_each(made.fd.number()));
        EXPECT_TRUE(cgroups::remove(root(), path, 5000));
    }
}

TEST_F(Killing, OfARemovedOneIsASuccess) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(cgroups::remove(root(), path, 0));
    EXPECT_TRUE(kill_all(made.fd.number()));
    EXPECT_TRUE(kill_each(made.fd.number()));
    EXPECT_TRUE(processes(made.fd.number()).value().empty());
}

// The signal that ended a child, and the child is no longer to be waited for.
int signal_that_ended(std::vector<pid_t>& children, pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    std::erase(children, child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_F(Signalling, ReachesEverybodyHereAndBelow) {
    const auto made = make(root(), path).value();
    // Somebody stays: where all here and below die at once, Linux 6.18 may say frozen of it for ever.
    start_in(made.fd.number(), [] {
        ::signal(SIGUSR1, SIG_IGN);
        for (;;) ::pause();
    });
    const pid_t here = start_in(made.fd.number());
    const pid_t below = start_in(make(root(), path + "/below/deeper").value().fd.number());
    ASSERT_TRUE(signal_all(made.fd.number(), SIGUSR1));
    EXPECT_EQ(signal_that_ended(children, here), SIGUSR1);
    EXPECT_EQ(signal_that_ended(children, below), SIGUSR1);
    EXPECT_FALSE(frozen(made.fd.number()).value());
}

TEST_F(Signalling, ReachesMoreThanOneBatch) {
    const auto made = make(root(), path).value();
    for (int i = 0; i < 300; ++i) start_in(made.fd.number());
    ASSERT_TRUE(signal_all(made.fd.number(), SIGTERM));
    const std::vector<pid_t> all = children;
    for (const pid_t child : all) EXPECT_EQ(signal_that_ended(children, child), SIGTERM);
}

TEST_F(Signalling, ReachesEveryDescendantOfThoseThatForkAllTheTime) {
    const auto made = make(root(), path).value();
    for (int i = 0; i < 20; ++i) start_in(made.fd.number(), fork_for_ever);
    const auto sent = signal_all(made.fd.number(), SIGTERM);
    ASSERT_TRUE(sent) << sent.error().text;
    EXPECT_TRUE(cgroups::remove(root(), path, 5000)) << "nobody has forked away";
}

TEST_F(Signalling, LeavesFrozenOnesFrozen) {
    const auto made = make(root(), path).value();
    // A child has the handler from its first instruction on. (Without one SIGTERM would end a frozen one,
    // too.)
    const auto before = ::signal(SIGTERM, [](int) { ::_exit(7); });
    const pid_t child = start_in(made.fd.number());
    ::signal(SIGTERM, before);
    ASSERT_TRUE(freeze(made.fd.number(), 5000));
    ASSERT_TRUE(signal_all(made.fd.number(), SIGTERM));
    EXPECT_TRUE(frozen(made.fd.number()).value());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, WNOHANG), 0) << "the signal waits";
    ASSERT_TRUE(thaw(made.fd.number(), 5000));
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    children.clear();
}

TEST_F(Signalling, Of0IsATest) {
    const auto made = make(root(), path).value();
    const pid_t child = start_in(made.fd.number());
    EXPECT_TRUE(signal_all(made.fd.number(), 0));
    EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0);
}

TEST_F(Signalling, WithSigkillReachesFrozenOnes) {
    const auto made = make(root(), path).value();
    const pid_t child = start_in(made.fd.number());
    ASSERT_TRUE(freeze(made.fd.number(), 5000));
    ASSERT_TRUE(signal_all(made.fd.number(), SIGKILL));
    EXPECT_EQ(signal_that_ended(children, child), SIGKILL);
}

TEST_F(Signalling, OfARemovedOneIsASuccess) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(cgroups::remove(root(), path, 0));
    for (const int signal : {0, SIGTERM, SIGKILL}) EXPECT_TRUE(signal_all(made.fd.number(), signal));
}

// Counts in memory that the parent sees.
TEST_F(Freezing, StopsThemUntilTheyAreThawed) {
    const auto made = make(root(), path).value();
    auto* count = static_cast<volatile std::uint64_t*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    start_in(made.fd.number(), [count] {
        for (;;) *count = *count + 1;
    });
    while (*count == 0) ::usleep(1000);
    const auto stopped = freeze(made.fd.number(), 5000);
    ASSERT_TRUE(stopped) << stopped.error().text;
    EXPECT_TRUE(frozen(made.fd.number()).value());
    const std::uint64_t before = *count;
    ::usleep(50'000);
    EXPECT_EQ(*count, before);
    ASSERT_TRUE(thaw(made.fd.number(), 5000));
    EXPECT_FALSE(frozen(made.fd.number()).value());
    for (int waited = 0; *count == before && waited < 5000; ++waited) ::usleep(1000);
    EXPECT_GT(*count, before);
    ::munmap(const_cast<std::uint64_t*>(count), 4096);
}

TEST_F(Freezing, OfAnEmptyOneAndOfAFrozenOneIsASuccess) {
    const auto made = make(root(), path).value();
    EXPECT_TRUE(freeze(made.fd.number(), 1000));
    EXPECT_TRUE(freeze(made.fd.number(), 0));
    EXPECT_TRUE(thaw(made.fd.number(), 1000));
    EXPECT_TRUE(thaw(made.fd.number(), 0));
}

TEST_F(Freezing, IsNotWhatAGroupAboveCanBeThawedFromBelow) {
    const auto above = make(root(), path).value();
    const auto made = make(root(), path + "/below").value();
    start_in(made.fd.number());
    ASSERT_TRUE(freeze(above.fd.number(), 5000));
    ASSERT_TRUE(frozen(made.fd.number()).value());
    EXPECT_EQ(thaw(made.fd.number(), 20).error().text, "unable to thaw: a cgroup above it is frozen");
}

TEST_F(Freezing, OfARemovedOneIsAnError) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(cgroups::remove(root(), path, 0));
    EXPECT_FALSE(freeze(made.fd.number(), 1000));
    EXPECT_FALSE(thaw(made.fd.number(), 1000));
}

}  // namespace
}  // namespace bulkhead::cgroups
