// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the host lane: what the runtime itself does around the stage. Host steps stay in this
// process, so they may own strings; runtime/run.cpp has an apply() for each and an undo() for those that
// leave something.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "plan/arena.hpp"

namespace bulkhead::plan {

// ---- making a container ---------------------------------------------------------------------------------

// The id's directory below the state root. mkdir is the lock of creation: of two callers one gets EEXIST.
struct MakeStateDirectory {
    std::string path;
};
// Writes state.json: everything that removing needs is on disk before the effect that needs removing.
struct RecordIntent {};
struct MakeCgroup {
    std::string mount;
    std::string path;
};
// Adds the cgroup's inode to state.json, before a process is born into it: a path alone may be another's
// later.
struct RecordCgroup {};
// A detached clone of a directory or file of the host with its attributes set: the root or a bind source.
struct CloneTree {
    std::string path;
    Slot slot;
    bool recursive;
    std::uint64_t set;    // MOUNT_ATTR_* to set before anything can reach the mount
    std::uint64_t clear;  // ... and to clear
};
struct MakeStartFifo {
    Slot slot;
};
// Connects to --console-socket before anything is started, so that a socket nobody listens on fails early.
struct ConnectConsole {
    std::string path;
};
// clone3(2): here the walker becomes two. The child executes the stage; the rest of the host lane goes on
// beside it.
struct Spawn {
    std::uint64_t namespaces;  // CLONE_NEW*
};
struct AttachDeviceFilter {
    std::vector<bpf_insn> program;
};
// Adds pid and start time to state.json, before the process is let go.
struct RecordProcess {};
struct SendGo {};
struct AwaitReady {};
// run: waits until the program has been executed, so that a failing execve is this command's failure.
struct AwaitExecution {};
struct SendConsole {};
struct SendPidfd {
    std::string path;
};
struct WritePidFile {
    std::string path;
};
// From here on the container exists for other callers.
struct Publish {};

// ---- starting and removing one --------------------------------------------------------------------------

struct ReleaseInit {};
struct RemoveStartFifo {};
// SIGKILL to everything in the container's cgroup, and waits until it is gone.
struct KillContainer {};
struct RemoveCgroup {};
struct RemoveStateDirectory {
    std::string path;
};

using HostOp = std::variant<MakeStateDirectory, RecordIntent, MakeCgroup, RecordCgroup, CloneTree,
                            MakeStartFifo, ConnectConsole, Spawn, AttachDeviceFilter, RecordProcess, SendGo,
                            AwaitReady, AwaitExecution, SendConsole, SendPidfd, WritePidFile, Publish,
                            ReleaseInit, RemoveStartFifo, KillContainer, RemoveCgroup, RemoveStateDirectory>;

}  // namespace bulkhead::plan
