// SPDX-License-Identifier: Apache-2.0
#include "base/socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::Folder;

// Listens on `name` in the working directory: sun_path is short, the folder's path need not be.
Fd listen_here(const std::string& name) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.number(), 1), 0);
    return socket;
}

std::string next(int socket, std::array<char, 64>& buffer) {
    const auto received = sys::receive(socket, buffer);
    return received ? std::string(buffer.data(), received->size) : received.error().text;
}

TEST(MessagePair, KeepsTheBordersOfMessages) {
    const auto [one, other] = std::move(*sys::message_pair());
    ASSERT_TRUE(sys::send(one.number(), "ab"));
    ASSERT_TRUE(sys::send(one.number(), "cdef"));
    std::array<char, 64> buffer{};
    EXPECT_EQ(next(other.number(), buffer), "ab");
    EXPECT_EQ(next(other.number(), buffer), "cdef");
    EXPECT_TRUE(test::closes_on_exec(one.number()) && test::closes_on_exec(other.number()));
}

TEST(MessagePair, SaysThatTheOtherSideHasClosed) {
    auto [one, other] = std::move(*sys::message_pair());
    one.reset();
    std::array<char, 64> buffer{};
    const auto received = sys::receive(other.number(), buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, 0u);
    EXPECT_FALSE(received->fd);
}

TEST(Send, IsAnErrorWhereOnlyAPartIsTaken) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Fd one(ends[0]), other(ends[1]);
    ASSERT_EQ(::fcntl(one.number(), F_SETFL, O_NONBLOCK), 0);  // or it would be tried for ten seconds
    EXPECT_EQ(sys::send(one.number(), std::string(1 << 20, 'x')).error().err, EAGAIN);
    EXPECT_EQ(sys::send(one.number(), "x").error().text, "sendmsg: the other side does not read");
}

TEST(Send, RaisesNoSigpipe) {
    for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
        const Fd one(ends[0]);
        ::close(ends[1]);
        test::in_child([&] {
            ::signal(SIGPIPE, SIG_DFL);
            EXPECT_EQ(sys::send(one.number(), "x").error().err, EPIPE);
        });
    }
}

TEST(Descriptors, TravelAndArriveCloseOnExec) {
    const auto [one, other] = std::move(*sys::message_pair());
    const Folder folder;
    ASSERT_TRUE(sys::send(one.number(), "take", folder.fd()));
    std::array<char, 64> buffer{};
    const auto received = sys::receive(other.number(), buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, 4u);
    EXPECT_TRUE(test::closes_on_exec(received->fd.number()));
    EXPECT_EQ(sys::status_of(received->fd.number())->st_ino, sys::status_of(folder.fd())->st_ino);
    EXPECT_EQ(sys::send(one.number(), "x", 9999).error().err, EBADF);
}

TEST(Descriptors, MoreThanOneDoNotLeak) {
    const auto [one, other] = std::move(*sys::message_pair());
    const int twice[2] = {0, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof twice)] = {};
    const cmsghdr header{CMSG_LEN(sizeof twice), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(control, &header, sizeof header);
    std::memcpy(control + CMSG_LEN(0), twice, sizeof twice);
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{.msg_name = nullptr,
                   .msg_namelen = 0,
                   .msg_iov = &part,
                   .msg_iovlen = 1,
                   .msg_control = control,
                   .msg_controllen = sizeof control,
                   .msg_flags = 0};
    ASSERT_EQ(::sendmsg(one.number(), &message, 0), 1);
    const std::size_t before = test::open_descriptors();
    { const auto received = sys::receive(other.number(), {&byte, 1}); }
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(ConnectStream, FindsAListener) {
    const Folder folder;
    test::in_child([&] {
        ASSERT_EQ(::chdir(folder.path().c_str()), 0);
        const Fd listener = listen_here("s");
        EXPECT_TRUE(sys::connect_stream(folder / "s"));
        EXPECT_TRUE(sys::connect_stream("s"));
    });
}

TEST(ConnectStream, ReachesALongPathThroughItsDirectory) {
    const Folder folder;
    const std::string deep = folder / std::string(200, 'd');
    ASSERT_EQ(::mkdir(deep.c_str(), 0700), 0);
    test::in_child([&] {
        ASSERT_EQ(::chdir(deep.c_str()), 0);
        const Fd listener = listen_here("s");
        EXPECT_TRUE(sys::connect_stream(deep + "/s"));
    });
    EXPECT_EQ(sys::connect_stream(deep + "/none").error().text,
              cat("connect ", deep, "/none: no such file or directory"));
    EXPECT_EQ(sys::connect_stream(std::string(200, 'n')).error().err, ENAMETOOLONG);
    EXPECT_EQ(sys::connect_stream(deep + "/" + std::string(120, 'n')).error().err, ENAMETOOLONG);
}

TEST(ConnectStream, NamesASocketThatNobodyListensOn) {
    const Folder folder;
    test::in_child([&] {
        ASSERT_EQ(::chdir(folder.path().c_str()), 0);
        (void)listen_here("s");
    });
    EXPECT_EQ(sys::connect_stream(folder / "s").error().text,
              cat("connect ", folder / "s", ": connection refused"));
    EXPECT_EQ(sys::connect_stream(folder / "t").error().kind, Kind::not_found);
    std::array<char, 1> byte{};
    EXPECT_EQ(sys::receive(-1, byte).error().text, "recvmsg: bad file descriptor");
}

}  // namespace
}  // namespace bulkhead
