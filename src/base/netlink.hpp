// SPDX-License-Identifier: Apache-2.0
// The part of rtnetlink(7) that moving a device needs: one request after the other, with bounded answers.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::netlink {

// A request: header, fixed part, attributes in the order in which they are added.
class Message {
  public:
    // flags: NLM_F_*; NLM_F_REQUEST is added.
    template <class Fixed>
    Message(std::uint16_t type, std::uint16_t flags, const Fixed& fixed) : type_(type), flags_(flags) {
        body_.assign(reinterpret_cast<const char*>(&fixed), sizeof fixed);
        pad();
    }

    Message& add(std::uint16_t attribute, std::string_view bytes);
    Message& add_number(std::uint16_t attribute, std::uint32_t number);
    Message& add_name(std::uint16_t attribute, const std::string& name);  // with its NUL

    std::string bytes(std::uint32_t sequence) const;

  private:
    void pad() { body_.resize((body_.size() + 3) / 4 * 4); }

    std::uint16_t type_;
    std::uint16_t flags_;
    std::string body_;
};

// The bytes of an attribute, or nothing, in a row of them. Lengths that do not fit end the search.
std::string_view find_attribute(std::string_view attributes, std::uint16_t type);

// Like find_attribute, cut at its NUL.
std::string_view find_name(std::string_view attributes, std::uint16_t type);

// `Fixed` from the beginning of a message's body; attributes follow it. Zeros if the body is too short.
template <class Fixed>
Fixed fixed_part(std::string_view body) {
    Fixed fixed{};
    if (body.size() >= sizeof fixed) std::memcpy(&fixed, body.data(), sizeof fixed);
    return fixed;
}
template <class Fixed>
std::string_view attributes_of(std::string_view body) {
    constexpr std::size_t length = (sizeof(Fixed) + 3) / 4 * 4;
    return body.size() < length ? std::string_view() : body.substr(length);
}

// A socket belongs to the network namespace in which it was opened, wherever its process goes, and keeps that
// namespace alive.
class Socket {
  public:
    static Result<Socket> open();

    // Sends and waits for the acknowledgement. Errors: the kernel's errno.
    Result<> request(const Message& message);
    // Sends and calls `each` with type and body of every answer. Errors: the kernel's, or more answers than a
    // container's network has.
    Result<> ask(const Message& message, const std::function<void(std::uint16_t, std::string_view)>& each);

  private:
    explicit Socket(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
    std::uint32_t sequence_ = 0;
};

}  // namespace bulkhead::netlink
