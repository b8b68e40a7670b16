// SPDX-License-Identifier: Apache-2.0
// Where systemd is to be talked to. Pure.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cgroups {

// What a caller's environment says of it; empty where it says nothing.
struct BusEnvironment {
    std::string system_bus;         // DBUS_SYSTEM_BUS_ADDRESS
    std::string session_bus;        // DBUS_SESSION_BUS_ADDRESS
    std::string runtime_directory;  // XDG_RUNTIME_DIR
};

// Addresses of sd_bus_set_address(3) in the order in which they are tried, each with "bus " in front, or
// "peer " where systemd itself listens and no bus is between: its private socket.
//   of_user  the manager of user `uid` instead of the machine's. Engines call kill and delete with
//            XDG_RUNTIME_DIR alone, or with nothing.
std::vector<std::string> bus_addresses(const BusEnvironment& environment, bool of_user, uid_t uid);

// A path as a value of such an address.
std::string address_escaped(std::string_view path);

}  // namespace bulkhead::cgroups
