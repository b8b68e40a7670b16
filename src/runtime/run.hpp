// SPDX-License-Identifier: Apache-2.0
// The host walker: one loop over a timeline. Everything that bulkhead changes on a host, it changes from
// here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/robust_word.hpp"
#include "cgroups/device_filter.hpp"
#include "cgroups/systemd.hpp"
#include "namespaces/net_device.hpp"
#include "namespaces/user_namespace.hpp"
#include "plan/timeline.hpp"
#include "runtime/endurance.hpp"
#include "runtime/state.hpp"

namespace bulkhead::runtime {

// What the steps of one timeline share. The owner of every descriptor among them.
struct Workshop {
    State state;                                   // of the container
    std::string config;                            // its config.json, to be kept
    Fd directory;                                  // the container's state directory
    Fd creation;                                   // its creation file, locked while we make the container
    Fd hierarchy;                                  // the root of cgroup v2
    Fd cgroup;                                     // the container's
    bool cgroup_is_new = false;                    // nobody had it before
    std::optional<cgroups::Systemd> systemd;       // connected, for the systemd driver
    bool cgroup_optional = false;                  // what has no permission for it goes without
    bool joins = false;                            // exec: the container is there already
    std::optional<std::string> cgroup_below;       // exec --cgroup: that one below it and no other
    bool rdt_group_is_new = false;                 // we have made it
    std::string schemata;                          // update: the text that takes the new ones back
    std::vector<Fd> slots;                         // trees and fifo, by slot number
    Fd console;                                    // connected console socket
    pid_t pid = 0;                                 // of the process that SPAWN made
    Fd process;                                    // its pidfd
    Endurance endurance;                           // how long it is waited for
    bool awaits_thaw = false;                      // exec --ignore-paused: not while the container is paused
    std::vector<std::string> left_behind;          // of what could not be undone, one sentence each
    Fd report;                                     // our end of the socket to the stage
    RobustWord handshake;                          // by which the stage learns of the listener, or of our end
    Fd notify;                                     // where the container says that it is ready
    int notify_slot = -1;                          // of the stage's copy
    Fd terminal;                                   // the pty's master, once the stage has sent it
    namespaces::UserNamespaces id_maps;            // of id-mapped mounts
    std::vector<namespaces::MovedDevice> devices;  // of the host, now in the container
    std::vector<plan::CgroupSetting> limits;       // update: what takes the new ones back
    cgroups::Installed device_filter;              // what ReplaceDeviceFilter has changed
    std::uint32_t said = 0;                        // kinds of report that the stage has sent, one bit each
    unsigned reports = 0;                          // how many it has sent
    int listener = -1;                  // the stage's number of its seccomp listener, once it has said so
    std::string hook_input;             // a hook's: the state that it reads
    Fd hook_output;                     // a hook's: our end of its pipe
    bool hooks_began = false;           // so those of poststop shall run, whatever comes
    std::vector<std::string> warnings;  // hooks that failed and hold nothing up, one sentence each

    plan::Fault fault;
    bool traced = false;
    std::vector<plan::StepTime> times;  // of both lanes, in order of their end
};

// Walks the host lane. On the first failure: kills and reaps the stage, undoes the finished steps backwards,
// and returns the error; nothing is left of a creation that failed, but for what the error names.
Result<> run(const plan::Timeline& timeline, Workshop& workshop);

// The times as text: one line a step, both lanes in order, microseconds since `begin` (sys::monotonic_ns).
std::string trace_text(const plan::Timeline& timeline, const std::vector<plan::StepTime>& times,
                       std::uint64_t begin);

// The same, into a file.
Result<> write_trace(const std::string& path, const plan::Timeline& timeline,
                     const std::vector<plan::StepTime>& times, std::uint64_t begin);

}  // namespace bulkhead::runtime
