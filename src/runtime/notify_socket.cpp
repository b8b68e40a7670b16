// SPDX-License-Identifier: Apache-2.0
#include "runtime/notify_socket.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/patience.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"

namespace bulkhead::runtime {

namespace {

constexpr const char* socket_name = "notify.sock";

Result<Fd> open_directory(int state_directory) {
    return sys::open_at(state_directory, notify_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// By its directory's descriptor: a state root may be too long for sun_path.
Result<Fd> bind_in(const Fd& directory) {
    return sys::bind_datagram(cat("/proc/self/fd/", directory.number(), '/', socket_name));
}

bool says_ready(std::string_view message) {
    return std::ranges::count(split(message, '\n'), std::string_view("READY=1")) != 0;
}

}  // namespace

Result<Fd> make_notify_socket(int state_directory) {
    constexpr mode_t searchable = 0755;  // whatever the caller's umask is
    TRY(sys::make_directory_at(state_directory, notify_directory, searchable));
    TRY(sys::set_mode_at(state_directory, notify_directory, searchable));
    LET(const Fd directory, open_directory(state_directory));
    return bind_in(directory);
}

Result<Fd> renew_notify_socket(int state_directory) {
    const auto directory = open_directory(state_directory);
    if (!directory) return std::unexpected(directory.error());
    (void)sys::remove_at(directory->number(), socket_name);
    return bind_in(*directory);
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
    const auto received = sys::receive(container_.number(), buffer);
    if (!received || !says_ready({buffer.data(), received->size})) return {};
    container_ = Fd();
    deadline_ = Deadline(caller_patience_ms);
    return announce(main_process);
}

// As far as the manager's queue has room.
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
        // Once the container is ready its life is no matter any more.
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
