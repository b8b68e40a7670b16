// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/bus.hpp"

#include <gtest/gtest.h>

namespace bulkhead::cgroups {
namespace {

using Addresses = std::vector<std::string>;

TEST(BusAddresses, OfTheMachineEndAtSystemdItself) {
    const Addresses usual{"bus unix:path=/run/dbus/system_bus_socket", "peer unix:path=/run/systemd/private"};
    EXPECT_EQ(bus_addresses({}, false, 0), usual);
    EXPECT_EQ(bus_addresses({.session_bus = "unix:path=/x", .runtime_directory = "/run/user/7"}, false, 0),
              usual)
        << "root that came by sudo has a user's variables";
    EXPECT_EQ(bus_addresses({.system_bus = "unix:path=/x"}, false, 0).at(0), "bus unix:path=/x");
}

TEST(BusAddresses, OfAUser) {
    EXPECT_EQ(
        bus_addresses({.session_bus = "unix:abstract=x", .runtime_directory = "/r"}, true, 7),
        (Addresses{"bus unix:abstract=x", "bus unix:path=/r/bus", "peer unix:path=/r/systemd/private"}));
    EXPECT_EQ(bus_addresses({.runtime_directory = "/r"}, true, 7),
              (Addresses{"bus unix:path=/r/bus", "peer unix:path=/r/systemd/private"}));
    EXPECT_EQ(bus_addresses({}, true, 7),
              (Addresses{"bus unix:path=/run/user/7/bus", "peer unix:path=/run/user/7/systemd/private"}));
}

TEST(BusAddresses, AreNotTriedTwice) {
    const BusEnvironment usual{.session_bus = "unix:path=/run/user/7/bus",
                               .runtime_directory = "/run/user/7"};
    EXPECT_EQ(bus_addresses(usual, true, 7).size(), 2u);
}

TEST(BusAddresses, EscapePaths) {
    EXPECT_EQ(address_escaped("/run/user-7/a_b.c"), "/run/user-7/a_b.c");
    EXPECT_EQ(address_escaped("/a,b;c=d%\xff"), "/a%2cb%3bc%3dd%25%ff");
}

}  // namespace
}  // namespace bulkhead::cgroups
