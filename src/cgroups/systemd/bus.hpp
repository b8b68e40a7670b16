// SPDX-License-Identifier: Apache-2.0
// The D-Bus addresses at which bulkhead reaches systemd. Pure.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cgroups {

// The caller's environment; a variable that is not set is empty.
struct BusEnvironment {
    std::string system_bus;         // DBUS_SYSTEM_BUS_ADDRESS
    std::string session_bus;        // DBUS_SESSION_BUS_ADDRESS
    std::string runtime_directory;  // XDG_RUNTIME_DIR
};

// Addresses of sd_bus_set_address(3), in the order in which they are tried. "bus " stands in front of a bus,
// "peer " in front of systemd's private socket, where systemd itself listens without a bus.
//   of_user  the manager of user `uid` instead of the machine's. Engines call kill and delete with
//            XDG_RUNTIME_DIR alone, or with nothing.
std::vector<std::string> bus_addresses(const BusEnvironment& environment, bool of_user, uid_t uid);

// Escapes a path for use as a value in such an address.
std::string address_escaped(std::string_view path);

}  // namespace bulkhead::cgroups
