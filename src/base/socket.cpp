// SPDX-License-Identifier: Apache-2.0
#include "base/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/sys.hpp"

namespace bulkhead::sys {

namespace {

union DescriptorBox {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr header;
};

Result<Fd> connect_address(const std::string& path, const std::string& shown) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return system_error(ENAMETOOLONG, "connect", shown);
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return system_error(errno, "socket");
    int result = -1;
    do result = ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    while (result == -1 && errno == EINTR);
    if (result == -1) return system_error(errno, "connect", shown);
    return socket;
}

}  // namespace

Result<std::pair<Fd, Fd>> message_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == -1)
        return system_error(errno, "socketpair");
    return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> connect_stream(const std::string& path) {
    if (path.size() < sizeof sockaddr_un{}.sun_path) return connect_address(path, path);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return system_error(ENAMETOOLONG, "connect", path);
    LET(const Fd directory, open(path.substr(0, slash), O_PATH | O_DIRECTORY));
    return connect_address(cat("/proc/self/fd/", directory.number(), path.substr(slash)), path);
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
    ssize_t sent = -1;
    do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent == -1 && errno == EINTR);
    if (sent == -1) return system_error(errno, "sendmsg");
    return {};
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
    // ECONNRESET is said once where the other side has gone without reading what we sent; what it sent before
    // still stands in the queue.
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
