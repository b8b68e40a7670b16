// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "base/socket.hpp"
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::succeeded;
using test::World;

void mount_terminals(World& world) {
    world.make_directory("dev");
    world.make_directory("dev/pts");
    ASSERT_EQ(
        ::mount("devpts", (world / "dev/pts").c_str(), "devpts", 0, "newinstance,ptmxmode=0666,mode=0620"),
        0);
}

plan::Outcome open_terminal(World& world, unsigned uid = 0, std::uint16_t rows = 0,
                            std::uint16_t columns = 0) {
    return apply(world.stage.context, plan::OpenTerminal{uid, rows, columns, world.stage.text("dev/pts")});
}

plan::Outcome mount_console(World& world) {
    return apply(world.stage.context, plan::MountConsole{world.stage.text("dev/console"), {}});
}

// Descriptors 0 to 2 become the terminal; what a test has to say goes where it went before.
class KeptStdio {
  public:
    KeptStdio() {
        for (int fd = 0; fd <= 2; ++fd) kept_[fd] = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
    }
    ~KeptStdio() {
        std::fflush(nullptr);
        for (int fd = 0; fd <= 2; ++fd) ::dup2(kept_[fd], fd);
    }

  private:
    int kept_[3];
};

TEST(OpenTerminal, SendsTheMasterAndBecomesTheSlave) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_terminals(world);
        ASSERT_NE(::setsid(), -1);
        ::signal(SIGHUP, SIG_IGN);
        const auto [report, host] = std::move(*sys::message_pair());
        world.stage.context.report = report.number();
        const KeptStdio kept;
        ASSERT_TRUE(succeeded(open_terminal(world, 1234, 25, 80)));
        ASSERT_TRUE(succeeded(mount_console(world)));

        plan::Report said{};
        const auto message = sys::receive(host.number(), {reinterpret_cast<char*>(&said), sizeof said});
        ASSERT_TRUE(message);
        EXPECT_EQ(said.kind, plan::ReportKind::terminal);
        EXPECT_TRUE(::isatty(message->fd.number()));
        winsize size{};
        for (int fd = 0; fd <= 2; ++fd) {
            ASSERT_EQ(::ioctl(fd, TIOCGWINSZ, &size), 0);
            EXPECT_EQ(size.ws_row, 25);
            EXPECT_EQ(size.ws_col, 80);
        }
        EXPECT_EQ(sys::status_of(0)->st_uid, 1234u);
        EXPECT_EQ(::tcgetsid(0), -1) << "whose terminal it will be is ClaimTerminal's business";
        EXPECT_EQ(test::status_of_path(world / "dev/console").st_rdev, sys::status_of(0)->st_rdev);
        ASSERT_TRUE(sys::write(message->fd.number(), "typed\n"));
        std::array<char, 16> line{};
        EXPECT_EQ(sys::read(0, line).value(), 6u);
    });
}

TEST(OpenTerminal, RefusesAPlainDirectoryForDevpts) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        EXPECT_TRUE(fails(open_terminal(world), ENOENT, plan::Call::openat2));
        world.make_directory("dev/pts");
        test::write_text(world / "dev/pts/ptmx", "");
        EXPECT_TRUE(fails(open_terminal(world), ENODEV, plan::Call::check));
    });
}

// A node of the right number, with the right inode, that leads to a real devpts: made by an image, not the
// kernel.
TEST(OpenTerminal, RefusesAMultiplexerOutsideOfDevpts) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        world.make_directory("dev/pts");
        ASSERT_EQ(::mount("tmpfs", (world / "dev/pts").c_str(), "tmpfs", 0, nullptr), 0);
        ASSERT_EQ(::mknod((world / "dev/pts/ptmx").c_str(), S_IFCHR | 0666, makedev(5, 2)), 0);
        ASSERT_EQ(test::status_of_path(world / "dev/pts/ptmx").st_ino, 2u);
        world.make_directory("dev/pts/pts");
        ASSERT_EQ(::mount("devpts", (world / "dev/pts/pts").c_str(), "devpts", 0, "newinstance"), 0);
        ASSERT_TRUE(Fd(::open((world / "dev/pts/ptmx").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)));
        EXPECT_TRUE(fails(open_terminal(world), ENODEV, plan::Call::check));
    });
}

TEST(MountConsole, RefusesALink) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        test::write_text(world / "victim", "");
        world.make_link("dev/console", "/victim");
        EXPECT_TRUE(fails(mount_console(world), ELOOP, plan::Call::openat2));
        EXPECT_EQ(test::mount_at(world / "victim").type, "");
    });
}

TEST(OpenTerminal, RefusesAMultiplexerThatIsAnotherDevice) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_terminals(world);
        ASSERT_EQ(::mount("tmpfs", (world / "dev/pts/ptmx").c_str(), "tmpfs", 0, nullptr), -1);
        ASSERT_EQ(::mount("/dev/null", (world / "dev/pts/ptmx").c_str(), nullptr, MS_BIND, nullptr), 0);
        EXPECT_TRUE(fails(open_terminal(world), ENODEV, plan::Call::check));
    });
}

TEST(OpenTerminal, WithoutAListeningHostFails) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_terminals(world);
        world.stage.context.report = -1;
        EXPECT_TRUE(fails(open_terminal(world), EBADF, plan::Call::sendmsg));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
