// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/bus.hpp"

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

std::string socket_at(std::string_view directory, std::string_view name) {
    return cat("unix:path=", address_escaped(directory), name);
}

}  // namespace

std::vector<std::string> bus_addresses(const BusEnvironment& environment, bool of_user, uid_t uid) {
    if (!of_user)
        return {cat("bus ", environment.system_bus.empty() ? socket_at("/run", "/dbus/system_bus_socket")
                                                           : environment.system_bus),
                cat("peer ", socket_at("/run", "/systemd/private"))};
    const std::string directory =
        environment.runtime_directory.empty() ? cat("/run/user/", uid) : environment.runtime_directory;
    const std::string usual = socket_at(directory, "/bus");
    std::vector<std::string> addresses;
    if (!environment.session_bus.empty() && environment.session_bus != usual)
        addresses.push_back(cat("bus ", environment.session_bus));
    addresses.push_back(cat("bus ", usual));
    addresses.push_back(cat("peer ", socket_at(directory, "/systemd/private")));
    return addresses;
}

// D-Bus specification, "Server Addresses".
std::string address_escaped(std::string_view path) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-_/.").contains(c);
        const auto byte = static_cast<unsigned char>(c);
        escaped += plain ? std::string(1, c) : cat('%', digits[byte >> 4], digits[byte & 15]);
    }
    return escaped;
}

}  // namespace bulkhead::cgroups
