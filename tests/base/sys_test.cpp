// SPDX-License-Identifier: Apache-2.0
#include "base/sys.hpp"

#include <linux/magic.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>

#include <array>

#include "base/waiting.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::Folder;

// A signal every two milliseconds, whose handler does not restart system calls.
class Interruptions {
  public:
    Interruptions() {
        count_ = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { count_ = count_ + 1; };
        ::sigaction(SIGALRM, &action, &before_);
        const itimerval often{{0, 2000}, {0, 2000}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    ~Interruptions() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    static int count() { return count_; }

  private:
    static inline volatile sig_atomic_t count_ = 0;
    struct sigaction before_ {};
};

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        out = Fd(ends[0]);
        in = Fd(ends[1]);
    }
    Fd out, in;
};

// Runs `body` in a child after 40 ms: what the parent waits for meanwhile is interrupted about twenty times.
template <class Body>
pid_t later(Body body) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::alarm(60);  // where the test fails, nothing stays
    sys::pause(40);
    body();
    ::_exit(0);
}

TEST(Interrupted, ReadGoesOn) {
    const Pipe pipe;
    const pid_t child = later([&] { (void)sys::write(pipe.in.number(), "late"); });
    const Interruptions signals;
    std::array<char, 8> buffer{};
    EXPECT_EQ(sys::read(pipe.out.number(), buffer).value(), 4u);
    EXPECT_GT(signals.count(), 0);
    test::reap(child);
}

TEST(Interrupted, WriteAllGoesOn) {
    const Pipe pipe;
    const std::string much(1 << 20, 'x');
    const pid_t child = later([&] {
        std::array<char, 65536> buffer{};
        for (std::size_t left = much.size(); left > 0;)
            left -= sys::read(pipe.out.number(), buffer).value_or(left);
    });
    const Interruptions signals;
    EXPECT_TRUE(sys::write_all(pipe.in.number(), much));
    EXPECT_GT(signals.count(), 0);
    EXPECT_EQ(test::reap(child), 0);
}

TEST(Interrupted, OpenOfAFifoGoesOn) {
    const Folder folder;
    ASSERT_TRUE(sys::make_fifo_at(folder.fd(), "fifo", 0600));
    const pid_t child = later([&] { (void)sys::open_at(folder.fd(), "fifo", O_WRONLY); });
    const Interruptions signals;
    EXPECT_TRUE(sys::open_at(folder.fd(), "fifo", O_RDONLY));
    EXPECT_GT(signals.count(), 0);
    test::reap(child);
}

TEST(Interrupted, WaitingForAProcessGoesOn) {
    const pid_t child = later([] { ::_exit(7); });
    const Fd process = std::move(*sys::open_process(child));
    const Interruptions signals;
    EXPECT_EQ(sys::wait_process(process.number(), 10'000).value(), 7);
    EXPECT_GT(signals.count(), 0);
}

TEST(Interrupted, PollKeepsItsDeadline) {
    const Pipe pipe;
    const Interruptions signals;
    const std::uint64_t begin = sys::monotonic_ns();
    EXPECT_FALSE(sys::wait_readable(pipe.out.number(), 50).value());
    const std::uint64_t passed = sys::monotonic_ns() - begin;
    EXPECT_GE(passed, 49'000'000u);
    EXPECT_LT(passed, 5'000'000'000u);
    EXPECT_GT(signals.count(), 0);
}

TEST(WaitReadable, SeesBytesAndTheEnd) {
    Pipe pipe;
    EXPECT_FALSE(sys::wait_readable(pipe.out.number(), 0).value());
    ASSERT_TRUE(sys::write_all(pipe.in.number(), "x"));
    EXPECT_TRUE(sys::wait_readable(pipe.out.number(), 10'000).value());
    std::array<char, 1> byte{};
    ASSERT_TRUE(sys::read(pipe.out.number(), byte));
    pipe.in.reset();
    EXPECT_TRUE(sys::wait_readable(pipe.out.number(), 10'000).value());
}

TEST(Locks, ExcludeAndShare) {
    const Folder folder;
    const Fd one = std::move(*sys::open(folder.path(), O_RDONLY));
    Fd other = std::move(*sys::open(folder.path(), O_RDONLY));
    EXPECT_TRUE(sys::try_lock(one.number(), LOCK_SH).value());
    EXPECT_TRUE(sys::try_lock(other.number(), LOCK_SH).value());
    EXPECT_FALSE(sys::try_lock(one.number(), LOCK_EX).value());
    other.reset();
    EXPECT_TRUE(sys::try_lock(one.number(), LOCK_EX).value());
    EXPECT_EQ(sys::try_lock(-1, LOCK_EX).error().err, EBADF);
}

TEST(Descriptors, AreBornCloseOnExec) {
    const Fd file = std::move(*sys::open("/dev/null", O_RDONLY));
    const Fd memory = std::move(*sys::memory_file("test", false));
    const Fd process = std::move(*sys::open_process(::getpid()));
    for (const int fd : {file.number(), memory.number(), process.number()})
        EXPECT_TRUE(test::closes_on_exec(fd));
}

TEST(MemoryFile, IsSealedForGood) {
    for (const bool executable : {false, true}) {
        const Fd file = std::move(*sys::memory_file("test", executable));
        ASSERT_TRUE(sys::write_all(file.number(), "text"));
        ASSERT_TRUE(sys::seal(file.number(), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL));
        EXPECT_EQ(sys::write(file.number(), "more").error().err, EPERM);
        EXPECT_EQ(::ftruncate(file.number(), 0), -1);
        EXPECT_EQ(sys::seal(file.number(), F_SEAL_GROW).error().text,
                  "fcntl(F_ADD_SEALS): operation not permitted");
        EXPECT_EQ((sys::status_of(file.number())->st_mode & 0111) != 0, executable);
    }
    EXPECT_EQ(sys::memory_file(std::string(300, 'n').c_str(), false).error().err, EINVAL);
}

TEST(Processes, EndAsAShellCountsThem) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    const auto pid = sys::clone_process(arguments);
    ASSERT_TRUE(pid);
    if (*pid == 0)
        for (;;) ::pause();
    const Fd process(pidfd);
    ASSERT_TRUE(sys::signal_process(process.number(), SIGKILL));
    EXPECT_EQ(sys::wait_process(process.number(), 10'000).value(), 128 + SIGKILL);
    EXPECT_EQ(sys::signal_process(process.number(), SIGTERM).error().err, ESRCH);
    EXPECT_EQ(sys::open_process(*pid).error().kind, Kind::not_found);
    EXPECT_EQ(sys::wait_process(process.number(), 10'000).error().err, ECHILD);
}

TEST(Processes, RefusedCloneNamesItself) {
    clone_args nonsense{};
    nonsense.flags = CLONE_THREAD;  // without CLONE_SIGHAND
    EXPECT_EQ(sys::clone_process(nonsense).error().text, "clone3: invalid argument");
}

TEST(Files, AreMadeMovedAndRemoved) {
    const Folder folder;
    EXPECT_TRUE(sys::make_directory_at(folder.fd(), "d", 0700));
    EXPECT_EQ(sys::make_directory_at(folder.fd(), "d", 0700).error().text, "mkdir d: file exists");
    EXPECT_TRUE(sys::make_fifo_at(folder.fd(), "f", 0600));
    EXPECT_EQ(sys::make_fifo_at(folder.fd(), "f", 0600).error().kind, Kind::exists);
    EXPECT_TRUE(S_ISFIFO(sys::status_at(folder.fd(), "f")->st_mode));
    EXPECT_TRUE(sys::rename_at(folder.fd(), "f", folder.fd(), "g"));
    EXPECT_EQ(sys::rename_at(folder.fd(), "f", folder.fd(), "h").error().text,
              "rename h: no such file or directory");
    EXPECT_EQ(sys::status_at(folder.fd(), "f").error().text, "stat f: no such file or directory");
    EXPECT_TRUE(sys::remove_at(folder.fd(), "g"));
    EXPECT_TRUE(sys::remove_at(folder.fd(), "d", AT_REMOVEDIR));
    EXPECT_EQ(sys::remove_at(folder.fd(), "d", AT_REMOVEDIR).error().text,
              "unlink d: no such file or directory");
}

TEST(Files, BadDescriptorsAreErrors) {
    std::array<char, 1> byte{};
    EXPECT_EQ(sys::status_of(-1).error().text, "fstat: bad file descriptor");
    EXPECT_EQ(sys::read(-1, byte).error().text, "read: bad file descriptor");
    EXPECT_EQ(sys::write_all(-1, "x").error().text, "write: bad file descriptor");
    EXPECT_EQ(sys::filesystem_type(-1).error().text, "fstatfs: bad file descriptor");
    EXPECT_EQ(sys::change_directory(-1).error().text, "fchdir: bad file descriptor");
    EXPECT_EQ(sys::open("/missing/x", O_RDONLY).error().text, "open /missing/x: no such file or directory");
}

TEST(Files, TypeOfAFileSystemAndWorkingDirectory) {
    const Fd proc = std::move(*sys::open("/proc", O_RDONLY));
    EXPECT_EQ(sys::filesystem_type(proc.number()).value(), PROC_SUPER_MAGIC);
    test::in_child([&] {
        EXPECT_TRUE(sys::change_directory(proc.number()));
        EXPECT_TRUE(test::is_there("self/status"));
    });
}

TEST(Pipe, EndsWithItsLastWriter) {
    sys::Pipe pipe = std::move(*sys::pipe());
    EXPECT_TRUE(test::closes_on_exec(pipe.reader.number()) && test::closes_on_exec(pipe.writer.number()));
    EXPECT_TRUE(sys::write(pipe.writer.number(), "x"));
    std::array<char, 8> buffer{};
    EXPECT_EQ(sys::read(pipe.reader.number(), buffer).value(), 1u);
    pipe.writer.reset();
    EXPECT_EQ(sys::read(pipe.reader.number(), buffer).value(), 0u);
}

// A child that leads a group of its own and then does this.
Fd leader(pid_t& pid, void (*act)()) {
    pid = ::fork();
    if (pid == 0) {
        ::setpgid(0, 0);
        act();
        ::_exit(0);
    }
    ::setpgid(pid, pid);
    return std::move(*sys::open_process(pid));
}

TEST(Ending, TellsAStatusFromASignal) {
    pid_t pid = 0;
    const Fd exits = leader(pid, [] { ::_exit(137); });
    const auto exited = sys::wait_ending(exits.number(), 10'000);
    EXPECT_TRUE(exited->value == 137 && !exited->by_signal);
    const Fd dies = leader(pid, [] { ::raise(SIGKILL); });
    const auto died = sys::wait_ending(dies.number(), 10'000);
    EXPECT_TRUE(died->value == SIGKILL && died->by_signal);
    EXPECT_EQ(sys::wait_ending(dies.number(), 10'000).error().text, "waitid: no child processes") << "reaped";
}

TEST(SignalGroup, ReachesItsLeader) {
    pid_t pid = 0;
    const Fd sleeps = leader(pid, [] { ::pause(); });
    EXPECT_TRUE(sys::signal_group(pid, SIGTERM));
    EXPECT_EQ(sys::wait_process(sleeps.number(), 10'000).value(), 128 + SIGTERM);
    EXPECT_EQ(sys::signal_group(pid, SIGTERM).error().err, ESRCH);
}

}  // namespace
}  // namespace bulkhead
