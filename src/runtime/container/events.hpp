// SPDX-License-Identifier: Apache-2.0
// Watches what a container uses and when the kernel's out-of-memory killer ends one of its processes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "cgroups/statistics/stats.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::runtime {

// The receivers of what happens. An error of theirs ends the watch.
struct Audience {
    std::function<Result<>(const cgroups::Stats&)> sample;
    std::function<Result<>()> oom;
    int output = -1;  // the descriptor they write to; the watch ends when nobody is at its other end any more
};

// Kind::bad_state if the container has stopped.
Result<cgroups::Stats> stats(const Site& site, const std::string& id);

// A sample after each interval, and an oom whenever oom_kill of memory.events has risen, until no process is
// in the container's cgroup any more, or the cgroup is gone. Sleeps in between. Samples that come too late,
// because the machine or the audience is slow, are left out.
Result<> watch(const Site& site, const std::string& id, std::uint64_t interval_ns, const Audience& audience);

}  // namespace bulkhead::runtime
