// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/meeting.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;
using test::Meeting;

// What an engine does: listens, and accepts only when the runtime has ended.
class Listener {
  public:
    Listener() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(socket_.number(), 1), 0);
    }
    std::string path() const { return folder_ / "s"; }
    std::pair<std::string, Fd> heard() const {
        const Fd connection(::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<char, 64> buffer{};
        auto message = sys::receive(connection.number(), buffer);
        return {std::string(buffer.data(), message->size), std::move(message->fd)};
    }

  private:
    Folder folder_;
    Fd socket_;
};

TEST(Console, GetsTheMasterInOneMessage) {
    const Listener listener;
    const Folder master;
    Meeting meeting;
    ASSERT_EQ(meeting.error_of(plan::ConnectConsole{listener.path()}), "");
    meeting.context.streams.terminal = Fd(::dup(master.fd()));
    ASSERT_EQ(meeting.error_of(plan::SendConsole{}), "");
    EXPECT_FALSE(meeting.context.streams.terminal) << "nobody else keeps it";
    EXPECT_FALSE(meeting.context.streams.console);
    const auto [text, fd] = listener.heard();
    EXPECT_EQ(text, "/dev/ptmx");
    EXPECT_EQ(sys::status_of(fd.number())->st_ino, sys::status_of(master.fd())->st_ino);
}

TEST(Console, NobodyListensIsAnEarlyError) {
    Meeting meeting;
    EXPECT_EQ(meeting.error_of(plan::ConnectConsole{"/missing/s"}),
              "connect /missing/s: no such file or directory");
    EXPECT_EQ(meeting.error_of(plan::SendConsole{}), "the stage sent no terminal");
}

TEST(PidfdSocket, GetsInitsPidfd) {
    const Listener listener;
    Meeting meeting;
    meeting.context.stage.process = std::move(*sys::open_process(::getpid()));
    ASSERT_EQ(meeting.error_of(plan::SendPidfd{listener.path(), "standard"}), "");
    const auto [text, fd] = listener.heard();
    EXPECT_EQ(text, "standard");
    EXPECT_TRUE(sys::signal_process(fd.number(), 0));
}

}  // namespace
}  // namespace bulkhead::runtime
