// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/systemd_driver.hpp"

#include "base/sys.hpp"
#include "runtime/steps/helper_program.hpp"

namespace bulkhead::runtime {

namespace {

// sd_booted(3)
bool is_booted_by_systemd() { return sys::status_at(sys::here, "/run/systemd/system").has_value(); }

}  // namespace

bool is_of_user(const plan::HostFacts& host) {
    if (host.uid != 0) return true;
    if (host.initial_user_namespace) return false;
    const auto socket = sys::status_at(sys::here, "/run/systemd/private");
    return !socket || socket->st_uid != 0;
}

Result<Driver> connect_driver(const cgroups::BusEnvironment& environment, bool of_user, uid_t uid) {
    if (!is_booted_by_systemd())
        return fail(Kind::unsupported,
                    "systemd not running on this host, cannot use systemd cgroups manager");
    std::vector<std::string> addresses = cgroups::bus_addresses(environment, of_user, uid);
    LET(const std::string helper, helper_program());
    LET(cgroups::Systemd systemd, cgroups::Systemd::connect(helper, addresses));
    return Driver{std::move(systemd), std::move(addresses)};
}

Result<> connect_by_record(const State& state, ResourceControl& control) {
    if (control.systemd) return {};
    LET(const std::string helper, helper_program());
    LET(control.systemd, cgroups::Systemd::connect(helper, state.unit.addresses));
    return {};
}

}  // namespace bulkhead::runtime
