// SPDX-License-Identifier: Apache-2.0
// Moves a network device from one network namespace to another, with the addresses that a user gave it
// (config-linux.md, "Network Devices").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/netlink.hpp"

namespace bulkhead::namespaces {

// A permanent address of global scope. The kernel or a router makes the other addresses again.
struct Address {
    std::uint8_t family = 0;         // AF_INET, AF_INET6
    std::uint8_t prefix_length = 0;  // bits
    std::uint32_t flags = 0;         // IFA_F_*: nodad, noprefixroute and others that a user may set
    std::string local;               // network order; empty if the family has none
    std::string address;
    std::string broadcast;
    std::string label;     // the part after the device's name, from the colon on
    std::string metric;    // of the route to its prefix
    std::string protocol;  // the origin of the address
};

// A network namespace that takes requests from a process outside.
struct Network {
    Fd file;
    netlink::Socket socket;

    // `file` is an open network namespace. Needs CAP_SYS_ADMIN over it.
    static Result<Network> enter(Fd file);
    // The network namespace of this process.
    static Result<Network> own();
};

// The state that bring_back needs.
struct MovedDevice {
    Network from;
    Network to;
    std::string old_name;
    std::string name;
    bool was_up = false;
    std::vector<Address> addresses;
};

// Moves device `old_name` and calls it `name`, in which "%d" stands for the first number that is free there.
// Brings the device up and gives it its addresses again. On a failure the device is back in its old place and
// state. Errors: no such device, a name that is taken, the kernel's.
Result<MovedDevice> move_device(Network from, Network to, const std::string& old_name,
                                const std::string& name);

// Moves the device back under its old name, with its addresses, and up if it was up.
Result<> bring_back(MovedDevice& device);

// The first name of the form "eth%d" that is not among `taken`. A name without "%d" stays as it is.
std::string fill_template(const std::string& name, const std::vector<std::string>& taken);

}  // namespace bulkhead::namespaces
