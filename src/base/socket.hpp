// SPDX-License-Identifier: Apache-2.0
// Unix sockets and the descriptors that travel over them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::sys {

// Two connected SOCK_SEQPACKET sockets: messages keep their borders.
Result<std::pair<Fd, Fd>> message_pair();

// Connects to a listening SOCK_STREAM socket, for at most caller_patience_ms. A path too long for sun_path is
// reached through its directory.
Result<Fd> connect_stream(const std::string& path);

// A bound, non-blocking SOCK_DGRAM socket that everybody may write to. `path` must fit into sun_path.
Result<Fd> bind_datagram(const std::string& path);

// Connects a SOCK_DGRAM socket to a path, or with "@" in front to an abstract name (unix(7)).
Result<Fd> connect_datagram(const std::string& address);

// Sends bytes, and `fd` as SCM_RIGHTS if it is not negative. Never raises SIGPIPE. EAGAIN: what was not taken
// within caller_patience_ms, or at once if the socket is non-blocking.
Result<> send(int socket, std::string_view bytes, int fd = -1);

struct Received {
    std::size_t size = 0;  // 0: the other side has closed
    Fd fd;                 // what came along, close-on-exec
};
Result<Received> receive(int socket, std::span<char> buffer);

}  // namespace bulkhead::sys
