// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/notify_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

// The next message, or "none"; `fd` takes a descriptor that comes along.
std::string message_of(const Fd& socket, Fd* fd = nullptr) {
    std::array<char, 256> buffer{};
    auto received = sys::receive(socket.number(), buffer);
    if (!received) return "none";
    if (fd != nullptr) *fd = std::move(received->fd);
    return {buffer.data(), received->size};
}

// A service manager, and a container that speaks to a relay.
struct World {
    Folder folder;
    std::string address = folder / "manager";
    Fd manager = *sys::bind_datagram(address);
    ReadinessRelay relay = *ReadinessRelay::to(address);
    Fd container;

    World() {
        relay.listen(*sys::bind_datagram(folder / "notify.sock"));
        container = *sys::connect_datagram(folder / "notify.sock");
    }
    void say(std::string_view text) { EXPECT_TRUE(sys::send(container.number(), text)); }
};

TEST(NotifySocket, IsOursAloneAndDoesNotBlock) {
    const auto socket = make_notify_socket();
    ASSERT_TRUE(socket) << socket.error().text;
    EXPECT_TRUE(test::closes_on_exec(socket->number()));
    std::array<char, 1> byte{};
    EXPECT_EQ(::recv(socket->number(), byte.data(), byte.size(), 0), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(NotifySocket, IsTakenFromInitByItsNumber) {
    const Fd self = *sys::open_process(::getpid());
    const Fd socket = *make_notify_socket(), stream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto taken = take_notify_socket(self, socket.number());
    ASSERT_TRUE(taken) << taken.error().text;
    struct stat one {
    }, other{};
    ::fstat(socket.number(), &one);
    ::fstat(taken->number(), &other);
    EXPECT_EQ(one.st_ino, other.st_ino);
    EXPECT_EQ(take_notify_socket(self, stream.number()).error().kind, Kind::bad_state);
    EXPECT_EQ(take_notify_socket(self, 0).error().kind, Kind::bad_state);
    EXPECT_EQ(take_notify_socket(self, 99999).error().err, EBADF);
}

TEST(NotifySocket, OfAnOlderVersionIsMadeAnewForStart) {
    const Folder folder;
    EXPECT_EQ(renew_notify_socket(folder.fd()).error().kind, Kind::not_found);
    ASSERT_EQ(::mkdirat(folder.fd(), "notify", 0755), 0);
    ASSERT_TRUE(sys::bind_datagram(folder / "notify/notify.sock"));
    const auto renewed = renew_notify_socket(folder.fd());
    ASSERT_TRUE(renewed) << renewed.error().text;
    const auto sender = sys::connect_datagram(folder / "notify/notify.sock");
    ASSERT_TRUE(sender && sys::send(sender->number(), "x"));
    EXPECT_EQ(message_of(*renewed), "x");
}

TEST(NotifySocket, BelowALongStateRootWorks) {
    const Folder folder;
    const std::string deep(200, 'd');
    ASSERT_EQ(::mkdirat(folder.fd(), deep.c_str(), 0700), 0);
    const Fd directory = *sys::open(folder / deep, O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(::mkdirat(directory.number(), "notify", 0755), 0);
    const auto socket = renew_notify_socket(directory.number());
    ASSERT_TRUE(socket) << socket.error().text;
    EXPECT_TRUE(sys::connect_datagram(cat(folder / deep, "/notify/notify.sock")));
}

TEST(ReadinessRelay, SaysReadyMainPidAndBarrier) {
    World world;
    world.say("STATUS=nearly");
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_EQ(message_of(world.manager), "none");
    world.say("STATUS=up\nREADY=1\n");
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_EQ(message_of(world.manager), "READY=1\n");
    EXPECT_EQ(message_of(world.manager), "MAINPID=42\n");
    Fd barrier;
    EXPECT_EQ(message_of(world.manager, &barrier), "BARRIER=1");
    ASSERT_TRUE(barrier);
    EXPECT_TRUE(world.relay.active());
    EXPECT_FALSE(*sys::wait_readable(world.relay.input().fd, 0));
    barrier = Fd();
    EXPECT_TRUE(*sys::wait_readable(world.relay.input().fd, 1000));
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_FALSE(world.relay.active());
    EXPECT_LT(world.relay.input().fd, 0);
}

// The receiver's queue is full: nobody can send to it without waiting.
void fill_queue(const std::string& address) {
    const Fd filler = *sys::connect_datagram(address);
    ASSERT_EQ(::fcntl(filler.number(), F_SETFL, O_NONBLOCK), 0);
    while (sys::send(filler.number(), "x")) continue;
}

TEST(ReadinessRelay, WaitsForAManagerThatDoesNotReadAndGoesOnBehindIt) {
    World world;
    fill_queue(world.address);
    world.say("READY=1");
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_TRUE(world.relay.active());
    EXPECT_EQ(world.relay.input().events, POLLOUT);
    pollfd room = world.relay.input();
    EXPECT_EQ(::poll(&room, 1, 0), 0);
    while (message_of(world.manager) == "x") continue;
    EXPECT_EQ(::poll(&room, 1, 1000), 1);
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_EQ(message_of(world.manager), "READY=1\n");
    EXPECT_EQ(message_of(world.manager), "MAINPID=42\n");
    EXPECT_EQ(message_of(world.manager), "BARRIER=1");
    EXPECT_EQ(world.relay.input().events, POLLIN);
}

TEST(ReadinessRelay, HasNothingToDoWhereTheManagerIsGone) {
    World world;
    world.manager.reset();
    world.say("READY=1");
    EXPECT_FALSE(world.relay.pass(42));
    EXPECT_FALSE(world.relay.active());
}

TEST(ReadinessRelay, PassesNothingElseOn) {
    World world;
    for (const char* text : {"READY=0", "READY=11", "XREADY=1", "READY=1 ", "MAINPID=1", "FDSTORE=1", "\n"}) {
        world.say(text);
        ASSERT_TRUE(world.relay.pass(42));
        EXPECT_EQ(message_of(world.manager), "none") << text;
        EXPECT_TRUE(world.relay.active());
    }
}

TEST(ReadinessRelay, KeepsNoDescriptorOfTheContainer) {
    World world;
    const std::size_t before = test::open_descriptors();
    ASSERT_TRUE(sys::send(world.container.number(), "FDSTORE=1", world.folder.fd()));
    ASSERT_TRUE(world.relay.pass(42));
    EXPECT_EQ(test::open_descriptors(), before);
}

// Somebody with a copy of the socket may have made it blocking, and may have been quicker.
TEST(ReadinessRelay, IsNotHeldUpByACopyOfItsSocket) {
    Folder folder;
    const std::string address = folder / "manager";
    const Fd manager = *sys::bind_datagram(address);
    ReadinessRelay relay = *ReadinessRelay::to(address);
    Fd socket = *sys::bind_datagram(folder / "notify.sock");
    ASSERT_EQ(::fcntl(socket.number(), F_SETFL, 0), 0);
    relay.listen(std::move(socket));
    ASSERT_TRUE(relay.pass(42));
    EXPECT_TRUE(relay.active());
}

TEST(ReadinessRelay, ToNobodyIsAnError) {
    const Folder folder;
    EXPECT_TRUE(ReadinessRelay::to(folder / "nobody").error().text.starts_with("NOTIFY_SOCKET"));
    EXPECT_FALSE(ReadinessRelay::to(cat("@bulkhead-test-", ::getpid())));
    EXPECT_FALSE(ReadinessRelay().active());
}

TEST(ReadinessRelay, KnowsAbstractNames) {
    const Fd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string name = cat("@bulkhead-test-", ::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(manager.number(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_TRUE(ReadinessRelay::to(name));
}

TEST(ReadinessRelay, WaitsNoLongerThanTheContainerLives) {
    World world;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    const Fd process = *sys::open_process(child);
    EXPECT_TRUE(world.relay.until_done(process, child));
    test::reap(child);
    EXPECT_EQ(message_of(world.manager), "none");
}

TEST(ReadinessRelay, TakesTheWordOfAContainerThatHasEndedSince) {
    World world;
    world.say("READY=1");
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    const Fd process = *sys::open_process(child);
    ASSERT_TRUE(*sys::wait_readable(process.number(), 5000));
    ASSERT_TRUE(world.relay.pass(child));
    test::reap(child);
    EXPECT_EQ(message_of(world.manager), "READY=1\n");
}

}  // namespace
}  // namespace bulkhead::runtime
