// SPDX-License-Identifier: Apache-2.0
#include "runtime/terminal.hpp"

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

bool is_raw(int fd) {
    termios settings{};
    EXPECT_EQ(::tcgetattr(fd, &settings), 0);
    return (settings.c_lflag & (ICANON | ECHO)) == 0;
}

TEST(TerminalRelay, WithoutAMasterDoesNothing) {
    TerminalRelay relay(-1);
    EXPECT_FALSE(relay.active());
    EXPECT_LT(relay.input().fd, 0);
    EXPECT_LT(relay.output().fd, 0);
    relay.drain();
}

TEST(TerminalRelay, PassesBytesBothWays) {
    in_child([] {
        const Pty container;
        const Pipe input, output;
        ASSERT_EQ(::dup2(input.out.number(), 0), 0);
        const Fd kept(::dup(1));
        ASSERT_EQ(::dup2(output.in.number(), 1), 1);
        TerminalRelay relay(container.master.number());
        ASSERT_TRUE(sys::write(input.in.number(), "typed\n"));
        relay.pass_input();
        EXPECT_EQ(read_from(container.slave.number()), "typed\n");
        EXPECT_EQ((relay.pass_output(), read_from(output.out.number())), "typed\r\n") << "the echo";
        ASSERT_TRUE(sys::write(container.slave.number(), "said"));
        relay.drain();
        EXPECT_EQ(read_from(output.out.number()), "said");
        ASSERT_EQ(::dup2(kept.number(), 1), 1);
    });
}

TEST(TerminalRelay, TheEndOfInputIsAControlD) {
    in_child([] {
        const Pty container;
        Pipe input;
        ASSERT_EQ(::dup2(input.out.number(), 0), 0);
        input.in.reset();
        TerminalRelay relay(container.master.number());
        EXPECT_EQ(relay.input().fd, 0);
        relay.pass_input();
        EXPECT_EQ(read_from(container.slave.number()), "") << "the reader sees the end";
        EXPECT_LT(relay.input().fd, 0) << "and nobody polls the closed input again";
    });
}

TEST(TerminalRelay, StopsWhenTheLastSlaveIsClosed) {
    in_child([] {
        Pty container;
        container.slave.reset();
        TerminalRelay relay(container.master.number());
        relay.drain();
        EXPECT_LT(relay.output().fd, 0);
    });
}

TEST(TerminalRelay, MakesTheCallersTerminalRawAndPutsItBack) {
    in_child([] {
        const Pty caller, container;
        const winsize size{25, 80, 0, 0};
        ASSERT_EQ(::ioctl(caller.slave.number(), TIOCSWINSZ, &size), 0);
        ASSERT_EQ(::dup2(caller.slave.number(), 0), 0);
        {
            TerminalRelay relay(container.master.number());
            EXPECT_TRUE(is_raw(0));
            winsize inside{};
            ASSERT_EQ(::ioctl(container.slave.number(), TIOCGWINSZ, &inside), 0);
            EXPECT_EQ(inside.ws_row, 25);
            EXPECT_EQ(inside.ws_col, 80);
        }
        EXPECT_FALSE(is_raw(0));
    });
}

}  // namespace
}  // namespace bulkhead::runtime
