// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/stdio_relay.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/sys.hpp"
#include "support/child.hpp"

namespace bulkhead::runtime {
namespace {

using test::in_child;

struct Pty {
    Pty() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        EXPECT_EQ(::unlockpt(master.number()), 0);
        slave = Fd(::ioctl(master.number(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        EXPECT_TRUE(slave);
        termios settings{};
        EXPECT_EQ(::tcgetattr(slave.number(), &settings), 0);
        settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
        EXPECT_EQ(::tcsetattr(slave.number(), TCSANOW, &settings), 0);
    }
    Fd master, slave;
};

struct stat status_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status;
}

bool same_file(int fd, const struct stat& status) {
    const struct stat other = status_of(fd);
    return other.st_dev == status.st_dev && other.st_ino == status.st_ino;
}

std::string read_from(int fd) {
    std::array<char, 65536> buffer{};
    const auto count = sys::read(fd, buffer);
    return count ? std::string(buffer.data(), *count) : count.error().text;
}

// A relay for a pty on 0 to 2, and what a container would have. Lives in a child process only.
struct Relayed {
    Relayed() : terminal(status_of(pty.slave.number())) {
        (void)::signal(SIGPIPE, SIG_IGN);
        for (int fd = 0; fd <= 2; ++fd) EXPECT_EQ(::dup2(pty.slave.number(), fd), fd);
        EXPECT_TRUE(relay.begin());
        for (std::size_t fd = 0; fd <= 2; ++fd)
            container[fd] = Fd(::fcntl(static_cast<int>(fd), F_DUPFD_CLOEXEC, 3));
        relay.restore();
    }
    void serve() {
        StdioRelay::Wishes wishes = relay.wishes();
        (void)::poll(wishes.data(), wishes.size(), relay.patience_ms() == 0 ? 0 : 10);
        relay.serve(wishes);
    }
    void type(std::string_view keys) const { EXPECT_TRUE(sys::write_all(pty.master.number(), keys)); }
    void say(std::size_t fd, std::string_view text) const {
        EXPECT_TRUE(sys::write_all(container[fd].number(), text));
    }
    // What the terminal shows, until there is no more.
    std::string shown() const {
        std::string text;
        for (pollfd entry{pty.master.number(), POLLIN, 0};
             ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;)
            text += read_from(pty.master.number());
        return text;
    }

    Pty pty;
    struct stat terminal;
    StdioRelay relay;
    std::array<Fd, 3> container;
};

TEST(StdioRelay, WithoutTerminalsDoesNothing) {
    in_child([] {
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        auto pipe = sys::pipe();
        ASSERT_TRUE(pipe);
        ::dup2(null.number(), 0);
        ::dup2(pipe->writer.number(), 1);
        ::dup2(null.number(), 2);
        const struct stat before[] = {status_of(0), status_of(1), status_of(2)};
        StdioRelay relay;
        ASSERT_TRUE(relay.begin());
        for (int fd = 0; fd <= 2; ++fd) EXPECT_TRUE(same_file(fd, before[fd])) << fd;
        EXPECT_FALSE(relay.active());
        for (const pollfd& wish : relay.wishes()) EXPECT_LT(wish.fd, 0);
        EXPECT_EQ(relay.patience_ms(), -1);
        relay.stop(SIGTSTP);
        relay.end();
        EXPECT_FALSE(relay.unfinished());
    });
}

TEST(StdioRelay, PutsPipesInThePlaceOfTerminals) {
    in_child([] {
        const Relayed set;
        for (const Fd& fd : set.container) {
            EXPECT_EQ(::isatty(fd.number()), 0);
            EXPECT_TRUE(S_ISFIFO(status_of(fd.number()).st_mode));
            EXPECT_EQ(::fcntl(fd.number(), F_GETFL) & O_NONBLOCK, 0) << "the container's end blocks";
        }
        for (int fd = 0; fd <= 2; ++fd) {
            EXPECT_TRUE(same_file(fd, set.terminal)) << fd;
            EXPECT_EQ(::fcntl(fd, F_GETFD), 0) << "as the caller had it";
            EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << "the caller's own descriptor";
        }
    });
}

TEST(StdioRelay, ReplacesOnlyTheTerminal) {
    in_child([] {
        const Pty pty;
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        ::dup2(null.number(), 0);
        ::dup2(pty.slave.number(), 1);
        ::dup2(null.number(), 2);
        const struct stat nowhere = status_of(0);
        StdioRelay relay;
        ASSERT_TRUE(relay.begin());
        EXPECT_TRUE(same_file(0, nowhere));
        EXPECT_TRUE(S_ISFIFO(status_of(1).st_mode));
        EXPECT_TRUE(same_file(2, nowhere));
        relay.restore();
        EXPECT_TRUE(same_file(1, status_of(pty.slave.number())));
    });
}

TEST(StdioRelay, PutsTheTerminalsBackWhenItGoes) {
    in_child([] {
        const Pty pty;
        ::dup2(pty.slave.number(), 2);
        const Fd next(::fcntl(pty.slave.number(), F_DUPFD_CLOEXEC, 3));
        const int lowest = next.number() + 1;
        {
            StdioRelay relay;
            ASSERT_TRUE(relay.begin());
            EXPECT_EQ(::isatty(2), 0);
        }
        EXPECT_EQ(::isatty(2), 1);
        const Fd after(::fcntl(pty.slave.number(), F_DUPFD_CLOEXEC, 3));
        EXPECT_EQ(after.number(), lowest) << "and no descriptor is left";
    });
}

TEST(StdioRelay, PassesBytesBothWays) {
    in_child([] {
        Relayed set;
        set.type("typed\n");
        for (int i = 0; i < 2; ++i) set.serve();
        EXPECT_EQ(read_from(set.container[0].number()), "typed\n");
        set.say(1, "out");
        set.serve();
        EXPECT_EQ(set.shown(), "out");
        set.say(2, "err");
        set.serve();
        EXPECT_EQ(set.shown(), "err");
    });
}

TEST(StdioRelay, TheEndOfInputClosesThePipe) {
    in_child([] {
        Relayed set;
        set.type("last\n\x04");
        for (int i = 0; i < 4; ++i) set.serve();
        EXPECT_EQ(read_from(set.container[0].number()), "last\n");
        EXPECT_EQ(read_from(set.container[0].number()), "") << "the end";
        EXPECT_LT(set.relay.wishes()[0].fd, 0) << "and no key is taken any more";
    });
}

TEST(StdioRelay, AHangUpClosesThePipe) {
    in_child([] {
        Relayed set;
        set.pty.master.reset();
        for (int i = 0; i < 2; ++i) set.serve();
        EXPECT_EQ(read_from(set.container[0].number()), "");
        ASSERT_TRUE(sys::write(set.container[1].number(), "said"));
        for (int i = 0; i < 2; ++i) set.serve();
        EXPECT_FALSE(sys::write(set.container[1].number(), "more")) << "EPIPE";
    });
}

TEST(StdioRelay, LeavesTheKeysWhenNobodyReads) {
    in_child([] {
        Relayed set;
        set.container[0].reset();
        set.serve();
        for (const std::size_t entry : {0, 1}) EXPECT_LT(set.relay.wishes()[entry].fd, 0);
        set.type("for another\n");
        set.serve();
        EXPECT_EQ(read_from(0), "for another\n");
    });
}

TEST(StdioRelay, ASlowTerminalLosesNothingAndHoldsNobodyUp) {
    in_child([] {
        Relayed set;
        ::fcntl(set.container[1].number(), F_SETFL, O_NONBLOCK);
        std::string said;
        for (int i = 0; i < 400; ++i) {
            const std::string part(1024, static_cast<char>('a' + i % 26));
            if (const auto count = sys::write(set.container[1].number(), part))
                said += part.substr(0, *count);
            set.serve();
        }
        EXPECT_LT(said.size(), 400u * 1024) << "the buffers are bounded";
        set.type("key\n");
        for (int i = 0; i < 2; ++i) set.serve();
        EXPECT_EQ(read_from(set.container[0].number()), "key\n") << "keys do not wait for the reader";
        set.relay.end();
        std::string text;
        while (set.relay.unfinished()) {
            text += set.shown();
            set.serve();
        }
        EXPECT_EQ(text + set.shown(), said);
    });
}

TEST(StdioRelay, TheEndOfAFloodIsBounded) {
    in_child([] {
        Relayed set;
        set.say(1, "before");
        set.relay.end();
        ::fcntl(set.container[1].number(), F_SETFL, O_NONBLOCK);
        std::string text;
        int rounds = 0;
        for (; set.relay.unfinished() && rounds < 100; ++rounds) {
            (void)sys::write(set.container[1].number(), "behind");
            set.serve();
            text += set.shown();
        }
        EXPECT_LT(rounds, 10);
        EXPECT_TRUE(text.starts_with("before"));
    });
}

TEST(StdioRelay, AThiefOfItsOwnOutputHoldsNobodyUp) {
    in_child([] {
        Relayed set;
        set.say(1, "stolen");
        const Fd thief(
            ::open(cat("/proc/self/fd/", set.container[1].number()).c_str(), O_RDONLY | O_CLOEXEC));
        set.relay.end();
        EXPECT_TRUE(set.relay.unfinished());
        EXPECT_EQ(read_from(thief.number()), "stolen");
        EXPECT_EQ(set.relay.patience_ms(), 0);
        set.serve();
        EXPECT_FALSE(set.relay.unfinished());
    });
}

TEST(StdioRelay, StopsWithTheSignalsThatStop) {
    in_child([] {
        const pid_t child = ::fork();
        if (child == 0) {
            ::setpgid(0, 0);  // no orphan, whom nothing stops
            const Relayed set;
            sigset_t all;
            ::sigfillset(&all);
            ::sigprocmask(SIG_BLOCK, &all, nullptr);
            set.relay.stop(SIGWINCH);
            set.relay.stop(SIGTSTP);
            ::_exit(3);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
        EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP) << status;
        ::kill(child, SIGCONT);
        EXPECT_EQ(test::reap(child), 3);
    });
}

}  // namespace
}  // namespace bulkhead::runtime
