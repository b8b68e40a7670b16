// SPDX-License-Identifier: Apache-2.0
// The host walker: one loop over a timeline. Everything that bulkhead changes on a host, it changes from
// here.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "namespaces/net_device.hpp"
#include "namespaces/user_namespace.hpp"
#include "plan/timeline.hpp"
#include "runtime/state.hpp"

namespace bulkhead::runtime {

// What the steps of one timeline share. The owner of every descriptor among them.
struct Workshop {
    State state;
    Fd directory;                                  // the container's state directory
    Fd creation;                                   // its creation file, locked while we make the container
    Fd hierarchy;                                  // the root of cgroup v2
    Fd cgroup;                                     // the container's
    bool cgroup_optional = false;                  // what has no permission for it goes without
    std::vector<Fd> slots;                         // trees and fifo, by slot number
    Fd console;                                    // connected console socket
    Fd process;                                    // pidfd of init
    Fd report;                                     // our end of the socket to the stage
    Fd notify;                                     // where the container says that it is ready
    Fd terminal;                                   // the pty's master, once the stage has sent it
    namespaces::UserNamespaces id_maps;            // of id-mapped mounts
    std::vector<namespaces::MovedDevice> devices;  // of the host, now in the container
    std::uint32_t said = 0;                        // kinds of report that the stage has sent, one bit each
    int listener = -1;  // the stage's number of its seccomp listener, once it has said so

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
