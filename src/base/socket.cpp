// SPDX-License-Identifier: Apache-2.0
#include "base/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"

namespace bulkhead::sys {

namespace {

union DescriptorBox {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr header;
};

struct Address {
    sockaddr_un bytes{};
    socklen_t size = sizeof bytes;

    const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// An abstract name ends where the address ends, not at a NUL.
Result<Address> address_of(const std::string& path, const std::string& shown) {
    Address address;
    address.bytes.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.bytes.sun_path) return system_error(ENAMETOOLONG, "connect", shown);
    std::memcpy(address.bytes.sun_path, path.data(), path.size());
    if (!path.starts_with('@')) return address;
    address.bytes.sun_path[0] = '\0';
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    return address;
}

// A listener whose queue is full holds up connect(2), and poll(2) says nothing of that; SO_SNDTIMEO ends the
// call, so that we can look if we are interrupted. It also applies to later sends.
Result<Fd> connect_address(const Address& address, int type, const std::string& shown) {
    constexpr timeval look{0, long{look_ms} * 1000};
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!socket) return system_error(errno, "socket");
    ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &look, sizeof look);
    const Deadline deadline(caller_patience_ms);
    while (::connect(socket.number(), address.pointer(), address.size) == -1) {
        if (errno != EAGAIN && errno != EINTR) return system_error(errno, "connect", shown);
        TRY(heed_interrupts());
        if (deadline.passed())
            return fail(Kind::kernel, "connect ", quotable(shown), ": not accepted within ",
                        caller_patience_ms / 1000, " s");
    }
    return socket;
}

// A path too long for sun_path is reached through its directory.
Result<Fd> connect_path(const std::string& path, int type) {
    if (path.size() < sizeof sockaddr_un{}.sun_path) {
        LET(const Address address, address_of(path, path));
        return connect_address(address, type, path);
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || path.starts_with('@'))
        return system_error(ENAMETOOLONG, "connect", path);
    LET(const Fd directory, open(path.substr(0, slash), O_PATH | O_DIRECTORY));
    LET(const Address address,
        address_of(cat("/proc/self/fd/", directory.number(), path.substr(slash)), path));
    return connect_address(address, type, path);
}

// EAGAIN of one that sleeps: SO_SNDTIMEO has passed.
bool may_be_tried_again(int socket, int err) {
    return err == EINTR || (err == EAGAIN && (::fcntl(socket, F_GETFL) & O_NONBLOCK) == 0);
}

std::unexpected<Error> nobody_reads() {
    return std::unexpected(Error{Kind::kernel, EAGAIN, "sendmsg: the other side does not read"});
}

}  // namespace

Result<std::pair<Fd, Fd>> message_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == -1)
        return system_error(errno, "socketpair");
    return std::pair{Fd(ends[0]), Fd(ends[1])};
}

// A path that begins with "@" is a file of that name here, not an abstract one.
Result<Fd> connect_stream(const std::string& path) {
    return connect_path(path.starts_with('@') ? "./" + path : path, SOCK_STREAM);
}

Result<Fd> connect_datagram(const std::string& address) { return connect_path(address, SOCK_DGRAM); }

Result<Fd> bind_datagram(const std::string& path) {
    constexpr mode_t everybody = 0777;
    LET(const Address address, address_of(path, path));
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error(errno, "socket");
    if (::bind(socket.number(), address.pointer(), address.size) == -1)
        return system_error(errno, "bind", path);
    TRY(change_mode_at(here, path, everybody));
    return socket;
}

Result<> send(int socket, std::string_view bytes, int fd) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    DescriptorBox box{};
    if (fd >= 0) {
        message.msg_control = box.bytes;
        message.msg_controllen = sizeof box.bytes;
        box.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        std::memcpy(CMSG_DATA(&box.header), &fd, sizeof fd);
    }
    const Deadline deadline(caller_patience_ms);
    for (;;) {
        const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent == -1 && !may_be_tried_again(socket, errno))
            return errno == EAGAIN ? nobody_reads() : system_error(errno, "sendmsg");
        // A stream may take a part of the bytes; the descriptor goes with the first byte.
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        if (sent != -1 && bytes.empty()) return {};
        part = {const_cast<char*>(bytes.data()), bytes.size()};
        if (sent != -1) message.msg_controllen = 0;
        TRY(heed_interrupts());
        if (deadline.passed()) return nobody_reads();
    }
}

Result<Received> receive(int socket, std::span<char> buffer) {
    iovec part{buffer.data(), buffer.size()};
    DescriptorBox box{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = box.bytes;
    message.msg_controllen = CMSG_LEN(sizeof(int));  // room for one: the box's padding would take a second
    ssize_t size = -1;
    // recvmsg returns ECONNRESET once if the other side has closed without reading what we sent; its own
    // earlier messages are still in the queue.
    do size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size == -1 && (errno == EINTR || errno == ECONNRESET));
    if (size == -1) return system_error(errno, "recvmsg");
    Received received{.size = static_cast<std::size_t>(size), .fd = Fd()};
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        received.fd = Fd(fd);
    }
    return received;
}

}  // namespace bulkhead::sys
