// SPDX-License-Identifier: Apache-2.0
// Init steps on the seccomp filter. Freestanding.
#pragma once

#include <cstdint>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// Maps the page of MakeHandshake while its descriptor is open.
struct MapHandshake {
    Slot page;
    using Reads = Members<&MapHandshake::page>;
};
// Reports the number that the listener of the next LoadSeccomp will get: the lowest free one. Afterwards the
// report itself might be what the filter stops.
struct ReportListener {};
// seccomp(2), the last call before execve.
struct LoadSeccomp {
    Numbers program;  // struct sock_filter, two numbers each
    std::uint32_t flags;
};
// Reads the handshake page until the host has delivered the listener; it makes no system call, because the
// filter may stop any.
struct AwaitDelivery {};

}  // namespace bulkhead::plan
