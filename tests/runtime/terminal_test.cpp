// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using test::in_child;

struct Pty {
    Pty() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        EXPECT_EQ(::unlockpt(master.number()), 0);
        slave = Fd(::ioctl(master.number(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        EXPECT_TRUE(slave);
    }
    Fd master, slave;
};

struct Pipe {
    Pipe() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        out = Fd(ends[0]);
        in = Fd(ends[1]);
    }
    Fd out, in;
};

std::string read_from(int fd) {
    std::array<char, 256> buffer{};
    const auto count = sys::read(fd, buffer);
    return count ? std::string(buffer.data(), *count) : count.error().text;
}

// Puts them on 0 and 1 for as long as it lives, where the relay looks for them.
class Stdio {
  public:
    Stdio(int input, int output) : kept_input_(::dup(0)), kept_output_(::dup(1)) {
        EXPECT_EQ(::dup2(input, 0), 0);
        EXPECT_EQ(::dup2(output, 1), 1);
    }
    ~Stdio() {
        ::dup2(kept_input_.number(), 0);
        ::dup2(kept_output_.number(), 1);
    }

  private:
    Fd kept_input_, kept_output_;
};

void serve(TerminalRelay& relay, int wait_ms = 0) {
    TerminalRelay::Wishes wishes = relay.wishes();
    (void)::poll(wishes.data(), wishes.size(), wait_ms);
    relay.serve(wishes);
}

void finish(TerminalRelay& relay) {
    relay.end();
    while (relay.unfinished()) serve(relay, relay.patience_ms());
}

void make_raw(int fd) {
    termios settings{};
    EXPECT_EQ(::tcgetattr(fd, &settings), 0);
    ::cfmakeraw(&settings);
    EXPECT_EQ(::tcsetattr(fd, TCSANOW, &settings), 0);
}

// What is in a pipe or terminal now.
std::string all_of(int fd) {
    std::string text;
    for (pollfd entry{fd, POLLIN, 0}; ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;)
        text += read_from(fd);
    return text;
}

TEST(TerminalRelay, WithoutAMasterDoesNothing) {
    Fd none;
    TerminalRelay relay(none);
    EXPECT_FALSE(relay.active());
    for (const pollfd& wish : relay.wishes()) EXPECT_LT(wish.fd, 0);
    EXPECT_EQ(relay.patience_ms(), -1);
    EXPECT_FALSE(relay.take(SIGWINCH)) << "it is the program's";
    finish(relay);
}

TEST(TerminalRelay, PassesBytesBothWays) {
    in_child([] {
        Pty container;
        const Pipe input, output;
        const Stdio stdio(input.out.number(), output.in.number());
        TerminalRelay relay(container.master);
        ASSERT_TRUE(sys::write(input.in.number(), "typed\n"));
        serve(relay);
        EXPECT_EQ(read_from(container.slave.number()), "typed\n");
        serve(relay);
        EXPECT_EQ(read_from(output.out.number()), "typed\r\n") << "the echo";
        ASSERT_TRUE(sys::write(container.slave.number(), "said"));
        finish(relay);
        EXPECT_EQ(read_from(output.out.number()), "said");
    });
}

TEST(TerminalRelay, TheEndOfInputIsSaidAgainWhenItWasRead) {
    in_child([] {
        Pty container;
        Pipe input;
        const Pipe output;
        const Stdio stdio(input.out.number(), output.in.number());
        ASSERT_TRUE(sys::write(input.in.number(), "unfinished"));
        input.in.reset();
        TerminalRelay relay(container.master);
        serve(relay);
        EXPECT_GE(relay.wishes()[0].fd, 0);
        serve(relay);
        EXPECT_LT(relay.wishes()[0].fd, 0) << "nobody polls the closed input again";
        for (const char* expected : {"unfinished", "", ""}) {
            for (int i = 0; i < 3; ++i) serve(relay, relay.patience_ms());
            EXPECT_EQ(read_from(container.slave.number()), expected);
        }
    });
}

TEST(TerminalRelay, AnEndOfInputThatNobodyReadsIsSaidOnce) {
    in_child([] {
        Pty container;
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        const Stdio stdio(null.number(), null.number());
        TerminalRelay relay(container.master);
        for (int i = 0; i < 5; ++i) serve(relay, relay.patience_ms());
        EXPECT_EQ(read_from(container.slave.number()), "") << "the end";
        pollfd more{container.slave.number(), POLLIN, 0};
        EXPECT_EQ(::poll(&more, 1, 0), 0) << "and only one of it";
    });
}

TEST(TerminalRelay, LooksAgainAtATerminalThatNobodyHadOpen) {
    in_child([] {
        Pty container;
        const Pipe input, output;
        const Stdio stdio(input.out.number(), output.in.number());
        container.slave.reset();
        TerminalRelay relay(container.master);
        serve(relay);
        EXPECT_LT(relay.wishes()[1].fd, 0) << "poll(2) would return at once, for ever";
        EXPECT_GT(relay.patience_ms(), 0);
        container.slave = Fd(::ioctl(container.master.number(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(sys::write(container.slave.number(), "again"));
        for (int i = 0; i < 3; ++i) serve(relay, 150);
        EXPECT_EQ(all_of(output.out.number()), "again");
    });
}

TEST(TerminalRelay, StopsAtTheEndWhenTheLastSlaveIsClosed) {
    in_child([] {
        Pty container;
        container.slave.reset();
        TerminalRelay relay(container.master);
        finish(relay);
        EXPECT_LT(relay.wishes()[1].fd, 0);
    });
}

TEST(TerminalRelay, TheEndOfAFloodIsBounded) {
    in_child([] {
        Pty container;
        const Pipe input;
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        const Stdio stdio(input.out.number(), null.number());
        TerminalRelay relay(container.master);
        ::fcntl(container.slave.number(), F_SETFL, O_NONBLOCK);
        relay.end();
        int rounds = 0;
        for (; relay.unfinished() && rounds < 1000; ++rounds) {
            (void)sys::write(container.slave.number(), std::string(4096, 'x'));
            serve(relay, relay.patience_ms());
        }
        EXPECT_LT(rounds, 100);
    });
}

TEST(TerminalRelay, KeepsWhatAStuckReaderDoesNotTakeYet) {
    in_child([] {
        Pty container;
        const Pipe input, output;
        const Stdio stdio(input.out.number(), output.in.number());
        make_raw(container.slave.number());
        ASSERT_NE(::fcntl(output.in.number(), F_SETPIPE_SZ, 4096), -1);
        TerminalRelay relay(container.master);
        for (int i = 0; i < 16; ++i) {
            ASSERT_TRUE(sys::write(container.slave.number(), std::string(1024, static_cast<char>('a' + i))));
            serve(relay);
        }
        EXPECT_EQ(::fcntl(1, F_GETFL) & O_NONBLOCK, 0) << "the caller's own descriptor";
        ASSERT_TRUE(sys::write(input.in.number(), "key"));
        serve(relay);
        EXPECT_EQ(read_from(container.slave.number()), "key") << "keys do not wait for the reader";
        relay.end();
        std::string text;
        while (relay.unfinished()) {
            serve(relay);
            text += all_of(output.out.number());
        }
        ASSERT_EQ(text.size(), 16u * 1024);
        EXPECT_EQ(text[0], 'a');
        EXPECT_EQ(text.back(), 'p');
    });
}

TEST(TerminalRelay, KeysThatNobodyReadsDoNotHoldTheOutputUp) {
    in_child([] {
        Pty container;
        const Pipe input, output;
        const Stdio stdio(input.out.number(), output.in.number());
        make_raw(container.slave.number());
        TerminalRelay relay(container.master);
        ::fcntl(input.in.number(), F_SETFL, O_NONBLOCK);
        std::size_t pasted = 0;
        for (int i = 0; i < 200; ++i) {
            pasted += sys::write(input.in.number(), std::string(4096, 'k')).value_or(0);
            serve(relay);
        }
        EXPECT_LT(pasted, 200u * 4096) << "the buffers are bounded";
        ASSERT_TRUE(sys::write(container.slave.number(), "said"));
        serve(relay);
        EXPECT_EQ(all_of(output.out.number()), "said");
        std::string keys;
        for (int i = 0; i < 2000 && keys.size() < pasted; ++i) {
            keys += all_of(container.slave.number());
            serve(relay);
        }
        EXPECT_EQ(keys.size(), pasted) << "and nothing is lost";
    });
}

TEST(TerminalRelay, HangsUpWhenNobodyCanTakeTheOutput) {
    in_child([] {
        (void)::signal(SIGPIPE, SIG_IGN);
        Pty container;
        const Pipe input;
        Pipe output;
        const Stdio stdio(input.out.number(), output.in.number());
        output.out.reset();
        TerminalRelay relay(container.master);
        ASSERT_TRUE(sys::write(container.slave.number(), "said"));
        serve(relay);
        EXPECT_FALSE(relay.active());
        EXPECT_FALSE(container.master);
        EXPECT_FALSE(sys::write(container.slave.number(), "more")) << "EIO";
        EXPECT_FALSE(relay.unfinished());
    });
}

TEST(TerminalRelay, HangsUpWithTheCallersTerminal) {
    in_child([] {
        Pty container, caller;
        const Pipe output;
        const Stdio stdio(caller.slave.number(), output.in.number());
        TerminalRelay relay(container.master);
        caller.master.reset();
        serve(relay);
        EXPECT_FALSE(relay.active());
        EXPECT_FALSE(sys::write(container.slave.number(), "more")) << "EIO";
    });
}

winsize size_of(int fd) {
    winsize size{};
    EXPECT_EQ(::ioctl(fd, TIOCGWINSZ, &size), 0);
    return size;
}

TEST(TerminalRelay, PassesTheSizeOn) {
    in_child([] {
        Pty caller, container;
        winsize size{25, 80, 0, 0};
        ASSERT_EQ(::ioctl(caller.slave.number(), TIOCSWINSZ, &size), 0);
        const Pipe input;
        const Stdio stdio(input.out.number(), caller.slave.number());  // the size is also that of the output
        TerminalRelay relay(container.master);
        EXPECT_EQ(size_of(container.slave.number()).ws_col, 80);
        size.ws_col = 132;
        ASSERT_EQ(::ioctl(caller.slave.number(), TIOCSWINSZ, &size), 0);
        EXPECT_TRUE(relay.take(SIGWINCH));
        EXPECT_EQ(size_of(container.slave.number()).ws_col, 132);
        EXPECT_FALSE(relay.take(SIGTERM));
    });
}

TEST(TerminalRelay, ASizeOfZeroIsNone) {
    in_child([] {
        const Pty caller;
        Pty container;
        const winsize configured{33, 111, 0, 0};
        ASSERT_EQ(::ioctl(container.slave.number(), TIOCSWINSZ, &configured), 0);
        const Stdio stdio(caller.slave.number(), caller.slave.number());
        const Fd error(::dup(2));
        ASSERT_EQ(::dup2(caller.slave.number(), 2), 2);
        const TerminalRelay relay(container.master);
        EXPECT_EQ(size_of(container.slave.number()).ws_col, 111);
        ASSERT_EQ(::dup2(error.number(), 2), 2);
    });
}

}  // namespace
}  // namespace bulkhead::runtime
