// SPDX-License-Identifier: Apache-2.0
// A network device goes from one network namespace to another, with the addresses that somebody gave it
// (config-linux.md, "Network Devices").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/netlink.hpp"

namespace bulkhead::namespaces {

// A permanent address of global scope; those that the kernel or a router made are made again.
struct Address {
    std::uint8_t family = 0;         // AF_INET, AF_INET6
    std::uint8_t prefix_length = 0;  // bits
    std::uint32_t flags = 0;         // IFA_F_*: nodad, noprefixroute and what else can be asked for
    std::string local;               // network order; empty where the family has none
    std::string address;
    std::string broadcast;
    std::string label;     // what follows the device's name in it, from the colon on
    std::string metric;    // of the route to its prefix
    std::string protocol;  // who gave it
};

// A network namespace to send requests to, from wherever the process is.
struct Network {
    Fd file;
    netlink::Socket socket;

    // `file` is an open network namespace. Needs CAP_SYS_ADMIN over it.
    static Result<Network> enter(Fd file);
    // The process's own.
    static Result<Network> own();
};

// What it takes to bring a device back.
struct MovedDevice {
    Network from;
    Network to;
    std::string old_name;
    std::string name;
    bool was_up = false;
    std::vector<Address> addresses;
};

// Moves device `old_name` and calls it `name`, in which "%d" stands for the first number that is free there;
// brings it up and gives it its addresses again. Where that fails it is as it was, and where it was. Errors:
// no such device, a name that is taken, the kernel's.
Result<MovedDevice> move_device(Network from, Network to, const std::string& old_name,
                                const std::string& name);

// Back under its old name, with its addresses and up where it was.
Result<> bring_back(MovedDevice& device);

// The first name of the form "eth%d" that is not among `taken`; a name without "%d" is itself.
std::string fill_template(const std::string& name, const std::vector<std::string>& taken);

}  // namespace bulkhead::namespaces
