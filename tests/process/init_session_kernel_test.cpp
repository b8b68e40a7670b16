// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>

#include <csignal>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "process/init_ops.hpp"

namespace bulkhead::process {
namespace {

using test::fails;
using test::Folder;
using test::in_child;
using test::Stage;
using test::succeeded;

plan::Outcome enter(const std::string& path) {
    Stage stage;
    return apply(stage.context, plan::EnterDirectory{stage.text(path)});
}

uid_t owner_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_uid;
}

long session_keyring() { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); }

TEST(TakeStdio, IsOneInputAndOneOutputTwice) {
    in_child([] {
        const Folder folder;
        const Fd input(::open((folder / "input").c_str(), O_RDONLY | O_CREAT, 0600));
        const Fd output(::open((folder / "output").c_str(), O_WRONLY | O_CREAT, 0600));
        const auto inode = [](int fd) {
            struct stat status {};
            EXPECT_EQ(::fstat(fd, &status), 0);
            return status.st_ino;
        };
        Stage stage;
        const plan::TakeStdio op{stage.slot(input.number()), stage.slot(output.number())};
        const auto taken = apply(stage.context, op);
        const bool right = inode(0) == inode(input.number()) && inode(1) == inode(output.number()) &&
                           inode(2) == inode(output.number());
        if (!taken || !right) test::leave(1);  // stderr is the file now
    });
}

TEST(DieWithHost, IsRefusedWhereTheHostIsGone) {
    in_child([] {
        int ends[2] = {};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        Stage stage;
        stage.context.report = ends[0];
        ASSERT_TRUE(succeeded(apply(stage.context, plan::DieWithHost{})));
        int signal = 0;
        ASSERT_EQ(::prctl(PR_GET_PDEATHSIG, &signal), 0);
        EXPECT_EQ(signal, SIGKILL);
        ::close(ends[1]);
        EXPECT_TRUE(fails(apply(stage.context, plan::DieWithHost{}), ECANCELED, plan::Call::poll));
    });
}

TEST(JoinKeyring, IsANewOne) {
    in_child([] {
        if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) == -1)
            return;  // no keyrings in this kernel
        const long before = session_keyring();
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::JoinKeyring{})));
        EXPECT_NE(session_keyring(), before);
    });
}

TEST(JoinKeyring, IsForItsPossessorOnly) {
    in_child([] {
        if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) == -1)
            return;  // no keyrings in this kernel
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::JoinKeyring{})));
        char text[256] = {};
        ASSERT_GT(::syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1), 0);
        EXPECT_NE(std::string_view(text).find(";3f000000;"), std::string_view::npos) << text;
    });
}

// The caller's keys are neither found nor read from the new session (E48).
TEST(JoinKeyring, HidesTheCallersKeys) {
    in_child([] {
        if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) == -1)
            return;  // no keyrings in this kernel
        const char* secret = "bulkhead-test-secret";
        const long key = ::syscall(SYS_add_key, "user", secret, "x", 1, KEY_SPEC_SESSION_KEYRING);
        ASSERT_GT(key, 0) << std::strerror(errno);
        const auto search = [&] {
            return ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", secret, 0);
        };
        char byte = 0;
        EXPECT_EQ(search(), key);
        EXPECT_EQ(::syscall(SYS_keyctl, KEYCTL_READ, key, &byte, 1), 1);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::JoinKeyring{})));
        EXPECT_EQ(search(), -1);
        EXPECT_EQ(::syscall(SYS_keyctl, KEYCTL_READ, key, &byte, 1), -1);
    });
}

TEST(ClaimTerminal, IsForTheLeaderOfASession) {
    in_child([] {
        ::signal(SIGHUP, SIG_IGN);
        const Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(master);
        ASSERT_EQ(::unlockpt(master.number()), 0);
        const Fd slave(::open(::ptsname(master.number()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_EQ(::dup2(slave.number(), 0), 0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::ClaimTerminal{}), EPERM, plan::Call::ioctl));
        ASSERT_NE(::setsid(), -1);
        ASSERT_TRUE(succeeded(apply(stage.context, plan::ClaimTerminal{})));
        EXPECT_EQ(::tcgetsid(0), ::getpid());
    });
}

TEST(ClaimTerminal, OfWhatIsNoTerminalFails) {
    in_child([] {
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        ASSERT_EQ(::dup2(null.number(), 0), 0);
        ASSERT_NE(::setsid(), -1);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::ClaimTerminal{}), ENOTTY, plan::Call::ioctl));
    });
}

TEST(StartSession, LeadsOneOfItsOwn) {
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::StartSession{})));
        EXPECT_EQ(::getsid(0), ::getpid());
        EXPECT_TRUE(fails(apply(stage.context, plan::StartSession{}), EPERM, plan::Call::setsid));
    });
}

TEST(SetRlimit, SetsBothValues) {
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetRlimit{10, 20, RLIMIT_NOFILE})));
        rlimit limit{};
        ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
        EXPECT_EQ(limit.rlim_cur, 10u);
        EXPECT_EQ(limit.rlim_max, 20u);
        EXPECT_TRUE(fails(apply(stage.context, plan::SetRlimit{1, 1, 999}), EINVAL, plan::Call::prlimit));
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetRlimit{2, 1, RLIMIT_CORE}), EINVAL, plan::Call::prlimit));
    });
}

TEST(SetUmask, TakesTheMask) {
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetUmask{0137})));
        EXPECT_EQ(::umask(0), 0137u);
    });
}

TEST(EnterDirectory, FollowsOrdinaryLinks) {
    const Folder folder;
    ASSERT_EQ(::mkdirat(folder.fd(), "d", 0700), 0);
    ASSERT_EQ(::symlinkat("d", folder.fd(), "link"), 0);
    in_child([&] {
        ASSERT_TRUE(succeeded(enter(folder / "link")));
        EXPECT_EQ(std::filesystem::current_path(), folder / "d");
    });
}

TEST(EnterDirectory, RefusesMagicLinks) {
    const Folder folder;
    in_child([&] {
        const std::string magic = cat("/proc/self/fd/", folder.fd());
        EXPECT_TRUE(fails(enter(magic), ELOOP, plan::Call::openat2));
        EXPECT_TRUE(fails(enter(magic + "/."), ELOOP, plan::Call::openat2));
        ASSERT_EQ(::symlinkat(magic.c_str(), folder.fd(), "link"), 0);
        EXPECT_TRUE(fails(enter(folder / "link"), ELOOP, plan::Call::openat2));
        EXPECT_TRUE(fails(enter("/proc/self/cwd"), ELOOP, plan::Call::openat2));
    });
}

TEST(EnterDirectory, SaysWhatIsWrong) {
    const Folder folder;
    test::write_text(folder / "file", "");
    in_child([&] {
        EXPECT_TRUE(fails(enter(folder / "missing"), ENOENT, plan::Call::openat2));
        EXPECT_TRUE(fails(enter(folder / "file"), ENOTDIR, plan::Call::openat2));
    });
}

TEST(EnterDirectory, RefusesADirectoryThatIsOutsideTheRoot) {
    NEEDS_ROOT();
    const Folder folder;
    ASSERT_EQ(::mkdirat(folder.fd(), "root", 0755), 0);
    in_child([&] {
        // given: a working directory of the host that "." leads to
        ASSERT_EQ(::chdir("/tmp"), 0);
        ASSERT_EQ(::chroot((folder / "root").c_str()), 0);
        // then
        EXPECT_TRUE(fails(enter("."), ENOENT, plan::Call::getcwd));
        EXPECT_TRUE(succeeded(enter("/")));
    });
}

TEST(EnterDirectory, LooksAsTheCurrentUser) {
    NEEDS_ROOT();
    const Folder folder;  // 0700, root's
    ASSERT_EQ(::mkdirat(folder.fd(), "d", 0777), 0);
    in_child([&] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        EXPECT_TRUE(fails(enter(folder / "d"), EACCES, plan::Call::openat2));
    });
}

TEST(OwnStdio, GivesPipesAndSocketsAway) {
    NEEDS_ROOT();
    in_child([] {
        int pipe[2], sockets[2];
        ASSERT_EQ(::pipe(pipe), 0);
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
        ASSERT_EQ(::dup2(pipe[0], 0), 0);
        ASSERT_EQ(::dup2(sockets[0], 1), 1);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::OwnStdio{1234})));
        EXPECT_EQ(owner_of(0), 1234u);
        EXPECT_EQ(owner_of(1), 1234u);
    });
}

TEST(OwnStdio, NeverGivesAFileOrADeviceAway) {
    NEEDS_ROOT();
    const Folder folder;
    in_child([&] {
        const int file = ::open((folder / "log").c_str(), O_RDWR | O_CREAT, 0600);
        ASSERT_EQ(::dup2(::open("/dev/null", O_RDWR), 0), 0);
        ASSERT_EQ(::dup2(file, 1), 1);
        ASSERT_EQ(::dup2(folder.fd(), 2), 2);
        Stage stage;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::OwnStdio{1234})));
        for (int fd = 0; fd <= 2; ++fd)
            if (owner_of(fd) != 0) ::_exit(10 + fd);
    });
}

TEST(OwnStdio, AClosedDescriptorIsAnError) {
    NEEDS_ROOT();
    in_child([] {
        ::close(0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::OwnStdio{1234}), EBADF, plan::Call::fstat));
    });
}

TEST(OwnStdio, ARefusalIsNoError) {
    NEEDS_ROOT();
    in_child([] {
        int pipe[2];
        ASSERT_EQ(::pipe(pipe), 0);
        ASSERT_EQ(::dup2(pipe[0], 0), 0);
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::OwnStdio{99})));
        EXPECT_EQ(owner_of(0), 0u);
    });
}

}  // namespace
}  // namespace bulkhead::process
