// SPDX-License-Identifier: Apache-2.0
// The systemd driver: the connection to systemd that a command needs.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "cgroups/systemd/bus.hpp"
#include "plan/host_facts.hpp"
#include "runtime/steps/context.hpp"

namespace bulkhead::runtime {

// create: the systemd to use (the machine's or the user's) and a connection to it. Kind::unsupported if
// systemd does not run or does not answer; nothing has been made then.
struct Driver {
    cgroups::Systemd systemd;
    std::vector<std::string> addresses;
};
Result<Driver> connect_driver(const cgroups::BusEnvironment& environment, bool of_user, uid_t uid);

// Root's containers are those of the machine's systemd. So are those of the root of a user namespace in which
// a systemd of its own runs; one without (rootless podman) has the systemd of its user.
bool is_of_user(const plan::HostFacts& host);

// Every later command: connects to the systemd that the record names, unless that is done.
Result<> connect_by_record(const State& state, ResourceControl& control);

}  // namespace bulkhead::runtime
