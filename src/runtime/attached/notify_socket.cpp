// SPDX-License-Identifier: Apache-2.0
#include "runtime/attached/notify_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string_view>

#include "base/patience.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"

namespace bulkhead::runtime {

namespace {

constexpr const char* old_directory = "notify";  // in the container's state directory
constexpr const char* socket_name = "notify.sock";

int option_of(int socket, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Does not wait, whatever the flags of the open file are, because others may have a copy of it. Takes no
// descriptors.
std::string_view next_message(int socket, std::span<char> buffer) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

bool says_ready(std::string_view message) {
    return std::ranges::count(split(message, '\n'), std::string_view("READY=1")) != 0;
}

}  // namespace

Result<Fd> make_notify_socket() {
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error(errno, "socket");
    return socket;
}

Result<Fd> take_notify_socket(const Fd& init, int number) {
    LET(Fd socket, sys::take_descriptor(init.number(), number));
    const bool fits =
        option_of(socket.number(), SO_DOMAIN) == AF_UNIX && option_of(socket.number(), SO_TYPE) == SOCK_DGRAM;
    if (!fits) return fail(Kind::bad_state, "init's descriptor ", number, " is not the notify socket");
    return socket;
}

Result<Fd> renew_notify_socket(int state_directory) {
    LET(const Fd directory,
        sys::open_at(state_directory, old_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    (void)sys::remove_at(directory.number(), socket_name);
    // Binds by the directory's descriptor, because a state root may be too long for sun_path.
    return sys::bind_datagram(cat("/proc/self/fd/", directory.number(), '/', socket_name));
}

Result<ReadinessRelay> ReadinessRelay::to(const std::string& caller_socket) {
    ReadinessRelay relay;
    auto connected = sys::connect_datagram(caller_socket);
    if (!connected) return std::unexpected(std::move(connected).error().under("NOTIFY_SOCKET"));
    relay.caller_ = std::move(*connected);
    if (::fcntl(relay.caller_.number(), F_SETFL, O_NONBLOCK) == -1) return system_error(errno, "fcntl");
    return relay;
}

pollfd ReadinessRelay::input() const {
    if (announcing_) return {caller_.number(), POLLOUT, 0};
    return {container_ ? container_.number() : barrier_.number(), POLLIN, 0};
}

Result<> ReadinessRelay::pass(pid_t main_process) {
    std::array<char, 4096> buffer{};
    if (announcing_) return announce(main_process);
    if (!container_) {
        barrier_ = Fd();
        return {};
    }
    if (!says_ready(next_message(container_.number(), buffer))) return {};
    container_ = Fd();
    deadline_ = Deadline(caller_patience_ms);
    return announce(main_process);
}

// Sends as many messages as the manager's queue has room for.
Result<> ReadinessRelay::announce(pid_t main_process) {
    announcing_ = false;
    for (; said_ < messages; ++said_) {
        const auto said = say(said_, main_process);
        announcing_ = !said && said.error().err == EAGAIN;
        if (announcing_) return {};
        TRY(said);
    }
    deadline_ = Deadline(manager_patience_ms);
    return {};
}

Result<> ReadinessRelay::say(unsigned message, pid_t main_process) {
    if (message == 0) return sys::send(caller_.number(), "READY=1\n");
    if (message == 1) return sys::send(caller_.number(), cat("MAINPID=", main_process, '\n'));
    LET(sys::Pipe pipe, sys::pipe());
    TRY(sys::send(caller_.number(), "BARRIER=1", pipe.writer.number()));
    barrier_ = std::move(pipe.reader);
    return {};
}

int ReadinessRelay::patience_ms() const { return container_ ? -1 : deadline_.left_ms(); }

Result<> ReadinessRelay::until_done(const Fd& process, pid_t pid) {
    while (active()) {
        // Once the container is ready, its end does not end the wait.
        pollfd entries[2] = {input(), {container_ ? process.number() : -1, POLLIN, 0}};
        const int ready = ::poll(entries, 2, patience_ms());
        if (ready == -1 && errno != EINTR) return system_error(errno, "poll");
        if (ready == 0 && announcing_)
            return fail(Kind::kernel, "NOTIFY_SOCKET: the service manager has not read for ",
                        caller_patience_ms / 1000, " s");
        if (ready == 0) return {};
        if (ready > 0 && entries[0].revents != 0)
            TRY(pass(pid));
        else if (ready > 0 && entries[1].revents != 0)
            return {};
    }
    return {};
}

}  // namespace bulkhead::runtime
