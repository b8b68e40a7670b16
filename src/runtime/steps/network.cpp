// SPDX-License-Identifier: Apache-2.0
// Network devices of the host that the config gives to the container.
#include <fcntl.h>
#include <linux/sched.h>

#include <algorithm>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "namespaces/visit.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

namespace {

// Below a user namespace that is joined the stage makes the namespace itself, a moment after it was started.
Result<Fd> network_of_stage(const StageProcess& stage) {
    constexpr int patience_ms = 5000;
    for (int waited = 0; waited < patience_ms; ++waited) {
        LET(Fd theirs, sys::open(cat("/proc/", stage.pid, "/ns/net"), O_RDONLY));
        LET(const bool host, namespaces::is_own(theirs, CLONE_NEWNET));
        if (!host) return theirs;
        sys::pause(1);
    }
    return fail(Kind::kernel, "the container has no network namespace of its own");
}

Result<Fd> network_of(const plan::MoveNetDevice& op, const HostResources& host, const StageProcess& stage) {
    if (!op.file) return network_of_stage(stage);
    return sys::open(cat("/proc/self/fd/", host.slots[op.file->index].number()), O_RDONLY);
}

}  // namespace

Result<> apply(const plan::MoveNetDevice& op, HostResources& host, const StageProcess& stage) {
    LET(Fd file, network_of(op, host, stage));
    LET(namespaces::Network to, namespaces::Network::enter(std::move(file)));
    LET(namespaces::Network from, namespaces::Network::own());
    LET(namespaces::MovedDevice moved,
        namespaces::move_device(std::move(from), std::move(to), op.host_name, op.name));
    host.devices.push_back(std::move(moved));
    return {};
}

void undo(const plan::MoveNetDevice& op, HostResources& host) {
    const auto moved = std::ranges::find(host.devices, op.host_name, &namespaces::MovedDevice::old_name);
    if (moved != host.devices.end()) (void)namespaces::bring_back(*moved);
}

}  // namespace bulkhead::runtime
