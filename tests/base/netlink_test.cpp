// SPDX-License-Identifier: Apache-2.0
#include "base/netlink.hpp"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace bulkhead::netlink {
namespace {

using namespace std::string_view_literals;

std::string attribute(std::uint16_t length, std::uint16_t type, std::string_view bytes) {
    std::string text(reinterpret_cast<const char*>(&length), 2);
    return text.append(reinterpret_cast<const char*>(&type), 2).append(bytes);
}

TEST(Message, IsHeaderFixedPartAndPaddedAttributes) {
    ifinfomsg fixed{};
    fixed.ifi_index = 7;
    Message message(RTM_NEWLINK, NLM_F_ACK, fixed);
    message.add_name(IFLA_IFNAME, "eth0").add_number(IFLA_NET_NS_FD, 9);
    const std::string bytes = message.bytes(3);
    const auto header = fixed_part<nlmsghdr>(bytes);
    EXPECT_EQ(header.nlmsg_len, bytes.size());
    EXPECT_EQ(header.nlmsg_flags, NLM_F_ACK | NLM_F_REQUEST);
    EXPECT_EQ(header.nlmsg_seq, 3u);
    const std::string_view body = std::string_view(bytes).substr(sizeof header);
    EXPECT_EQ(fixed_part<ifinfomsg>(body).ifi_index, 7);
    const std::string_view attributes = attributes_of<ifinfomsg>(body);
    EXPECT_EQ(attributes.size(), 12u + 8u) << "5 bytes of name take 8";
    EXPECT_EQ(find_name(attributes, IFLA_IFNAME), "eth0");
    EXPECT_EQ(fixed_part<std::uint32_t>(find_attribute(attributes, IFLA_NET_NS_FD)), 9u);
}

TEST(FindAttribute, EndsAtLengthsThatDoNotFit) {
    const std::string good = attribute(8, 5, "abcd");
    EXPECT_EQ(find_attribute(good, 5), "abcd");
    EXPECT_EQ(find_attribute(good, 6), "");
    EXPECT_EQ(find_attribute(attribute(0, 1, "abcd") + good, 5), "") << "a length of 0 would never end";
    EXPECT_EQ(find_attribute(attribute(3, 1, "abcd") + good, 5), "");
    EXPECT_EQ(find_attribute(attribute(200, 5, "abcd"), 5), "");
    EXPECT_EQ(find_attribute(good.substr(0, 3), 5), "");
    EXPECT_EQ(find_attribute("", 5), "");
}

TEST(FindAttribute, LooksThroughTheFlagsOfATypeAndPadding) {
    EXPECT_EQ(find_attribute(attribute(5, 1, "a\0\0\0"sv) + attribute(6, 0x8000 | 2, "bc\0\0"sv), 2), "bc");
    EXPECT_EQ(find_attribute(attribute(5, 1, "a\0\0\0"sv) + attribute(6, 2, "bc"), 2), "bc")
        << "no padding at the end";
}

TEST(FixedPart, OfTooFewBytesIsZero) {
    EXPECT_EQ(fixed_part<ifinfomsg>("abc").ifi_index, 0);
    EXPECT_EQ(attributes_of<ifinfomsg>("abc"), "");
}

TEST(Socket, AsksTheKernel) {
    auto socket = Socket::open();
    ASSERT_TRUE(socket) << socket.error().text;
    std::string names;
    const auto asked =
        socket->ask(Message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), [&](std::uint16_t, std::string_view body) {
            names.append(find_name(attributes_of<ifinfomsg>(body), IFLA_IFNAME)).append(" ");
        });
    ASSERT_TRUE(asked) << asked.error().text;
    EXPECT_NE(names.find("lo "), std::string::npos) << names;
}

TEST(Socket, ReturnsTheKernelsRefusal) {
    auto socket = Socket::open();
    Message question(RTM_GETLINK, NLM_F_ACK, ifinfomsg{});
    question.add_name(IFLA_IFNAME, "no-such-device");
    EXPECT_EQ(socket->request(question).error().err, ENODEV);
}

}  // namespace
}  // namespace bulkhead::netlink
