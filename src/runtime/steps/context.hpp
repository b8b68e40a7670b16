// SPDX-License-Identifier: Apache-2.0
// What the steps of one timeline share, by owner. A step gets the parts that its apply() names
// (host_steps.hpp); only the walker and the verbs see the whole.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/robust_word.hpp"
#include "cgroups/devices/device_filter.hpp"
#include "cgroups/systemd/systemd.hpp"
#include "namespaces/net_device.hpp"
#include "namespaces/user_namespace.hpp"
#include "plan/timeline.hpp"
#include "runtime/record/state.hpp"
#include "runtime/steps/endurance.hpp"

namespace bulkhead::runtime {

// The container on disk.
struct ContainerRecord {
    State state;
    std::string config;  // the text of config.json, to be kept beside state.json
    Fd directory;        // the container's state directory
    Fd creation;         // the creation file, locked while this runtime makes the container
};

// The container's cgroup and its resctrl group, and what restores them.
struct ResourceControl {
    Fd hierarchy;                             // the root of cgroup v2
    Fd cgroup;                                // the container's; none without permission for one
    bool cgroup_is_new = false;               // MakeCgroup made it
    std::optional<std::string> cgroup_below;  // exec --cgroup: the one below it to use, and no other
    std::optional<cgroups::Systemd> systemd;  // the connection, for the systemd driver
    std::vector<plan::CgroupSetting> limits;  // the values before ChangeLimits
    cgroups::Installed device_filter;         // the programs before and after ReplaceDeviceFilter
    bool rdt_group_is_new = false;            // MakeRdtGroup made it
    std::string schemata;                     // the text before ChangeSchemata
};

// What goes from the host into the container.
struct HostResources {
    std::vector<Fd> slots;                         // descriptors for the stage, by slot number
    int notify_slot = -1;                          // the slot of the notify socket; -1: none
    namespaces::UserNamespaces id_maps;            // of id-mapped mounts; equal maps share one
    std::vector<namespaces::MovedDevice> devices;  // network devices, now in the container
};

// The process that Spawn made: first the stage, then the program.
struct StageProcess {
    pid_t pid = 0;
    Fd process;                // its pidfd
    Endurance endurance;       // how long the host waits for it
    bool joins = false;        // it enters a container that exists: exec, startContainer hooks
    bool awaits_thaw = false;  // exec --ignore-paused: the wait stops while the container is paused
    Fd report;                 // our end of the report socket
    std::uint32_t said = 0;    // the kinds of report that it has sent, a bit for each
    unsigned reports = 0;      // the number of reports that it has sent
    int listener = -1;         // its number of the seccomp listener, after the report `listening`
    RobustWord handshake;      // tells it that the listener is delivered, or that the host is dead
};

// The descriptors between the container and those who look after it.
struct Streams {
    Fd console;              // the connected console socket
    Fd terminal;             // the pty's master, after the stage has sent it
    Fd notify;               // the socket on which the container says that it is ready
    std::string hook_input;  // of a hook: the state that it reads
    Fd hook_output;          // of a hook: our end of its pipe
};

// The walk itself: what it was told, and what it has to tell.
struct Walk {
    plan::Fault fault;
    bool traced = false;
    std::vector<plan::StepTime> times;     // of both lanes, in the order in which the steps ended
    std::vector<std::string> left_behind;  // what could not be undone, a sentence each
    std::vector<std::string> warnings;     // failures that stop nothing, a sentence each
    bool hooks_began = false;              // so the poststop hooks run, whatever happens
};

struct ExecutionContext {
    ContainerRecord record;
    ResourceControl control;
    HostResources host;
    StageProcess stage;
    Streams streams;
    Walk walk;
};

// The place of a step in its timeline.
struct StepContext {
    const plan::Timeline& timeline;
    std::size_t number;
};

}  // namespace bulkhead::runtime
