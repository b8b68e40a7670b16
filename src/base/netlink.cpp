// SPDX-License-Identifier: Apache-2.0
#include "base/netlink.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/sys.hpp"
#include "base/waiting.hpp"

namespace bulkhead::netlink {

namespace {

constexpr std::size_t datagram_limit = 64 << 10;  // the kernel fills 32 KiB at most
constexpr std::size_t answer_limit = 100'000;
constexpr int deadline_ms = 10'000;

constexpr std::size_t aligned(std::size_t size) { return (size + 3) / 4 * 4; }

Result<> send_whole(int socket, const std::string& bytes) {
    ssize_t sent = -1;
    do sent = ::send(socket, bytes.data(), bytes.size(), 0);
    while (sent == -1 && errno == EINTR);
    if (sent == -1) return system_error(errno, "send(netlink)");
    return {};
}

Result<std::size_t> receive_datagram(int socket, std::string& buffer) {
    LET(const bool ready, sys::wait_readable(socket, deadline_ms));
    if (!ready) return fail(Kind::kernel, "netlink: no answer");
    ssize_t count = -1;
    do count = ::recv(socket, buffer.data(), buffer.size(), 0);
    while (count == -1 && errno == EINTR);
    if (count == -1) return system_error(errno, "recv(netlink)");
    return static_cast<std::size_t>(count);
}

// The end of a datagram: the kernel's last message, or more to come.
struct Ending {
    bool last = false;
    int err = 0;
};

// Calls `each` for the answers to `sequence` in a datagram.
Ending read_datagram(std::string_view bytes, std::uint32_t sequence,
                     const std::function<void(std::uint16_t, std::string_view)>& each) {
    while (bytes.size() >= sizeof(nlmsghdr)) {
        const auto header = fixed_part<nlmsghdr>(bytes);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return {true, EPROTO};
        const std::string_view body = bytes.substr(sizeof header, header.nlmsg_len - sizeof header);
        bytes.remove_prefix(std::min(bytes.size(), aligned(header.nlmsg_len)));
        if (header.nlmsg_seq != sequence) continue;  // the answer to an earlier request that was given up
        if (header.nlmsg_type == NLMSG_DONE) return {true, 0};
        if (header.nlmsg_type == NLMSG_ERROR) return {true, -fixed_part<std::int32_t>(body)};
        each(header.nlmsg_type, body);
    }
    return {};
}

}  // namespace

Message& Message::add(std::uint16_t attribute, std::string_view bytes) {
    const std::array<std::uint16_t, 2> header{static_cast<std::uint16_t>(4 + bytes.size()), attribute};
    body_.append(reinterpret_cast<const char*>(header.data()), sizeof header).append(bytes);
    pad();
    return *this;
}

Message& Message::add_number(std::uint16_t attribute, std::uint32_t number) {
    return add(attribute, {reinterpret_cast<const char*>(&number), sizeof number});
}

Message& Message::add_name(std::uint16_t attribute, const std::string& name) {
    return add(attribute, {name.c_str(), name.size() + 1});
}

std::string Message::bytes(std::uint32_t sequence) const {
    const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + body_.size()),
                          .nlmsg_type = type_,
                          .nlmsg_flags = static_cast<std::uint16_t>(flags_ | NLM_F_REQUEST),
                          .nlmsg_seq = sequence,
                          .nlmsg_pid = 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header).append(body_);
}

std::string_view find_attribute(std::string_view attributes, std::uint16_t type) {
    constexpr std::uint16_t type_mask = 0x3fff;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
    while (attributes.size() >= sizeof(nlattr)) {
        const auto header = fixed_part<nlattr>(attributes);
        if (header.nla_len < sizeof header || header.nla_len > attributes.size()) return {};
        if ((header.nla_type & type_mask) == type)
            return attributes.substr(sizeof header, header.nla_len - sizeof header);
        attributes.remove_prefix(std::min(attributes.size(), aligned(header.nla_len)));
    }
    return {};
}

std::string_view find_name(std::string_view attributes, std::uint16_t type) {
    const std::string_view name = find_attribute(attributes, type);
    return name.substr(0, name.find('\0'));
}

Result<Socket> Socket::open() {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd) return system_error(errno, "socket(AF_NETLINK)");
    return Socket(std::move(fd));
}

Result<> Socket::ask(const Message& message,
                     const std::function<void(std::uint16_t, std::string_view)>& each) {
    const std::uint32_t sequence = ++sequence_;
    TRY(send_whole(fd_.number(), message.bytes(sequence)));
    std::string buffer(datagram_limit, '\0');
    std::size_t answers = 0;
    for (;;) {
        LET(const std::size_t count, receive_datagram(fd_.number(), buffer));
        const Ending ending = read_datagram({buffer.data(), count}, sequence, [&](auto type, auto body) {
            ++answers;
            each(type, body);
        });
        if (ending.last && ending.err != 0) return system_error(ending.err, "netlink");
        if (ending.last) return {};
        if (answers > answer_limit)
            return fail(Kind::kernel, "netlink: more than ", answer_limit, " answers");
    }
}

Result<> Socket::request(const Message& message) {
    return ask(message, [](std::uint16_t, std::string_view) {});
}

}  // namespace bulkhead::netlink
