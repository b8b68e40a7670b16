// SPDX-License-Identifier: Apache-2.0
// The host walker: one loop over a timeline. Everything that bulkhead changes on a host, it changes from
// here.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "plan/timeline.hpp"
#include "runtime/state.hpp"

namespace bulkhead::runtime {

// What the steps of one timeline share. The owner of every descriptor among them.
struct Workshop {
    State state;
    Fd directory;              // the container's state directory
    Fd creation;               // its creation file, locked while we make the container
    Fd hierarchy;              // the root of cgroup v2
    Fd cgroup;                 // the container's
    bool cgroup_made = false;  // by this timeline
    std::vector<Fd> slots;     // trees and fifo, by slot number
    Fd console;                // connected console socket
    Fd process;                // pidfd of init
    Fd report;                 // our end of the socket to the stage
    Fd terminal;               // the pty's master, once the stage has sent it

    plan::Fault fault;
    bool traced = false;
    std::vector<plan::StepTime> times;  // of both lanes, in order of their end
};

// Walks the host lane. On the first failure: kills and reaps the stage, undoes the finished steps backwards,
// and returns the error; nothing is left of a creation that failed.
Result<> run(const plan::Timeline& timeline, Workshop& workshop);

// The times as text: one line a step, both lanes in order, microseconds since `begin` (sys::monotonic_ns).
std::string trace_text(const plan::Timeline& timeline, const std::vector<plan::StepTime>& times,
                       std::uint64_t begin);

}  // namespace bulkhead::runtime
