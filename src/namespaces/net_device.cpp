// SPDX-License-Identifier: Apache-2.0
#include "namespaces/net_device.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "namespaces/visit.hpp"

namespace bulkhead::namespaces {

using netlink::Message;

namespace {

struct Link {
    int index = 0;
    std::uint32_t flags = 0;
};

ifinfomsg link_header(int index, std::uint32_t flags = 0, std::uint32_t change = 0) {
    ifinfomsg header{};
    header.ifi_index = index;
    header.ifi_flags = flags;
    header.ifi_change = change;
    return header;
}

Result<Link> find_link(Network& network, const std::string& name) {
    Message question(RTM_GETLINK, NLM_F_ACK, link_header(0));
    question.add_name(IFLA_IFNAME, name);
    Link found;
    TRY(network.socket.ask(question, [&](std::uint16_t type, std::string_view body) {
        if (type != RTM_NEWLINK) return;
        const auto header = netlink::fixed_part<ifinfomsg>(body);
        found = {header.ifi_index, header.ifi_flags};
    }));
    if (found.index == 0) return system_error(ENODEV, "netlink");
    return found;
}

Result<std::vector<std::string>> link_names(Network& network) {
    std::vector<std::string> names;
    TRY(network.socket.ask(
        Message(RTM_GETLINK, NLM_F_DUMP, link_header(0)), [&](std::uint16_t type, std::string_view body) {
            if (type == RTM_NEWLINK)
                names.emplace_back(netlink::find_name(netlink::attributes_of<ifinfomsg>(body), IFLA_IFNAME));
        }));
    return names;
}

// ---- addresses ------------------------------------------------------------------------------------------

// The flags that a user may give to a new address of either family (net/ipv6/addrconf.c, inet6_rtm_newaddr),
// without those that the kernel sets itself.
constexpr std::uint32_t given_flags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

// The ":1" of the label "eth0:1", because the label begins with the device's name wherever the device is.
std::string label_of(std::string_view attributes) {
    const std::string_view label = netlink::find_name(attributes, IFA_LABEL);
    const std::size_t colon = label.find(':');
    return colon == std::string_view::npos ? std::string() : std::string(label.substr(colon));
}

std::optional<Address> address_of(std::string_view body, int index) {
    const auto header = netlink::fixed_part<ifaddrmsg>(body);
    const std::string_view attributes = netlink::attributes_of<ifaddrmsg>(body);
    const std::string_view wide = netlink::find_attribute(attributes, IFA_FLAGS);  // 32 bits instead of 8
    const std::uint32_t flags = wide.empty() ? header.ifa_flags : netlink::fixed_part<std::uint32_t>(wide);
    const bool kept = header.ifa_index == static_cast<std::uint32_t>(index) &&
                      header.ifa_scope == RT_SCOPE_UNIVERSE && (flags & IFA_F_PERMANENT) != 0;
    if (!kept) return std::nullopt;
    return Address{.family = header.ifa_family,
                   .prefix_length = header.ifa_prefixlen,
                   .flags = flags & given_flags,
                   .local = std::string(netlink::find_attribute(attributes, IFA_LOCAL)),
                   .address = std::string(netlink::find_attribute(attributes, IFA_ADDRESS)),
                   .broadcast = std::string(netlink::find_attribute(attributes, IFA_BROADCAST)),
                   .label = label_of(attributes),
                   .metric = std::string(netlink::find_attribute(attributes, IFA_RT_PRIORITY)),
                   .protocol = std::string(netlink::find_attribute(attributes, IFA_PROTO))};
}

Result<std::vector<Address>> addresses_of(Network& network, int index) {
    std::vector<Address> addresses;
    TRY(network.socket.ask(Message(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}),
                           [&](std::uint16_t type, std::string_view body) {
                               if (type != RTM_NEWADDR) return;
                               if (auto address = address_of(body, index))
                                   addresses.push_back(std::move(*address));
                           }));
    return addresses;
}

Result<> add_address(Network& network, int index, const std::string& device, const Address& address) {
    ifaddrmsg header{};
    header.ifa_family = address.family;
    header.ifa_prefixlen = address.prefix_length;
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = static_cast<std::uint32_t>(index);
    Message message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
    if (!address.local.empty()) message.add(IFA_LOCAL, address.local);
    if (!address.address.empty()) message.add(IFA_ADDRESS, address.address);
    if (!address.broadcast.empty()) message.add(IFA_BROADCAST, address.broadcast);
    if (address.flags != 0) message.add_number(IFA_FLAGS, address.flags);
    if (!address.metric.empty()) message.add(IFA_RT_PRIORITY, address.metric);
    if (!address.protocol.empty()) message.add(IFA_PROTO, address.protocol);
    if (const std::string label = device + address.label; !address.label.empty() && label.size() < IFNAMSIZ)
        message.add_name(IFA_LABEL, label);
    auto added = network.socket.request(message);
    if (!added && added.error().err == EEXIST) return {};  // it survived the move
    return added;
}

// ---- moving --------------------------------------------------------------------------------------------

Result<> set_up(Network& network, int index, bool up) {
    const std::uint32_t flags = up ? IFF_UP : 0;
    return network.socket.request(Message(RTM_NEWLINK, NLM_F_ACK, link_header(index, flags, IFF_UP)));
}

// One message moves and renames the device, so it never has another name there, unless the kernel fails after
// the move.
Result<> send_over(Network& from, const Network& to, int index, const std::string& name) {
    Message message(RTM_NEWLINK, NLM_F_ACK, link_header(index));
    message.add_number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(to.file.number()));
    message.add_name(IFLA_IFNAME, name);
    return from.socket.request(message);
}

Result<> furnish(Network& network, const std::string& name, bool up, const std::vector<Address>& addresses) {
    LET(const Link link, find_link(network, name));
    if (up) TRY(set_up(network, link.index, true));
    for (const Address& address : addresses) TRY(add_address(network, link.index, name, address));
    return {};
}

Result<std::string> free_name(Network& network, const std::string& wanted) {
    LET(const std::vector<std::string> taken, link_names(network));
    std::string name = fill_template(wanted, taken);
    if (name.size() >= IFNAMSIZ)
        return fail(Kind::invalid_config, quoted(name), ": too long for a network device");
    if (std::ranges::find(taken, name) != taken.end())
        return fail(Kind::exists, "a network device called ", quoted(name), " is there already");
    return name;
}

Result<> carry(MovedDevice& device, const Link& link) {
    if (device.was_up) TRY(set_up(device.from, link.index, false));
    TRY(send_over(device.from, device.to, link.index, device.name));
    return furnish(device.to, device.name, true, device.addresses);
}

}  // namespace

Result<Network> Network::enter(Fd file) {
    LET(Visit visit, Visit::enter({{file.number(), CLONE_NEWNET}}));
    auto socket = netlink::Socket::open();
    TRY(visit.leave());
    if (!socket) return std::unexpected(std::move(socket).error());
    return Network{std::move(file), std::move(*socket)};
}

Result<Network> Network::own() {
    LET(Fd file, open_own(CLONE_NEWNET));
    LET(netlink::Socket socket, netlink::Socket::open());
    return Network{std::move(file), std::move(socket)};
}

std::string fill_template(const std::string& name, const std::vector<std::string>& taken) {
    const std::size_t at = name.find("%d");
    if (at == std::string::npos) return name;
    for (unsigned number = 0;; ++number) {
        std::string candidate = cat(name.substr(0, at), number, name.substr(at + 2));
        if (std::ranges::find(taken, candidate) == taken.end()) return candidate;
    }
}

Result<MovedDevice> move_device(Network from, Network to, const std::string& old_name,
                                const std::string& name) {
    LET(const Link link, find_link(from, old_name));
    LET(std::vector<Address> addresses, addresses_of(from, link.index));
    LET(std::string new_name, free_name(to, name));
    MovedDevice device{.from = std::move(from),
                       .to = std::move(to),
                       .old_name = old_name,
                       .name = std::move(new_name),
                       .was_up = (link.flags & IFF_UP) != 0,
                       .addresses = std::move(addresses)};
    if (auto carried = carry(device, link); !carried) {
        (void)bring_back(device);
        return std::unexpected(std::move(carried).error());
    }
    return device;
}

Result<> bring_back(MovedDevice& device) {
    if (!find_link(device.from, device.old_name)) {
        auto there = find_link(device.to, device.name);
        if (!there) there = find_link(device.to, device.old_name);  // moved and not renamed
        if (!there) return std::unexpected(std::move(there).error());
        TRY(send_over(device.to, device.from, there->index, device.old_name));
    }
    return furnish(device.from, device.old_name, device.was_up, device.addresses);
}

}  // namespace bulkhead::namespaces
