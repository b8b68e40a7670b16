// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's state directory: lock, record, fifo.
#pragma once

#include <string>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"
#include "plan/undo.hpp"

namespace bulkhead::plan {

// mkdir of the container's directory below the state root, and the creation file in it, locked. mkdir is the
// lock of creation: of two callers one gets EEXIST.
struct MakeStateDirectory {
    static constexpr Undo undo = undone("remove it");
    std::string path;
};
// Writes state.json, and a copy of config.json for exec and hooks. Everything that a removal needs is on disk
// before the effect that it removes.
struct RecordIntent {
    static constexpr Undo undo = goes_with("the state directory");
};
// Adds the cgroup's inode (and the unit's invocation) to state.json, before a process is born into the
// cgroup, or the waiting one in it goes on: later the path alone may be another container's.
struct RecordCgroup {
    static constexpr Undo undo = goes_with("the state directory");
};
// Adds to state.json which resctrl groups are ours.
struct RecordRdtGroup {
    static constexpr Undo undo = goes_with("the state directory");
};
// Adds pid, start time and pidfd inode to state.json, before the process is let go.
struct RecordProcess {
    static constexpr Undo undo = goes_with("the state directory");
};
// mkfifo of exec.fifo, opened for reading and writing.
struct MakeStartFifo {
    static constexpr Undo undo = goes_with("the state directory");
    Slot slot;
    using Fills = Members<&MakeStartFifo::slot>;
};
// Writes the file of --pid-file.
struct WritePidFile {
    static constexpr Undo undo = undone("remove it");
    std::string path;
};
// Removes the creation file: from here on the container exists for other callers.
struct Publish {
    static constexpr Undo undo = goes_with("the state directory");
};
// Releases the container's lock: from here on other verbs may act, and a removal finds the new process in the
// container's cgroup.
struct ReleaseContainer {
    static constexpr Undo undo = irreversible("others may have acted on the container");
};
// start: writes to the fifo.
struct ReleaseInit {
    static constexpr Undo undo = irreversible("the program runs");
};
// start: waits until init has executed its program, or has ended; at most 10 s.
struct AwaitProgram {
    static constexpr Undo undo = no_effect();
};
// start: unlinks the fifo.
struct RemoveStartFifo {
    static constexpr Undo undo = irreversible("nobody waits on it any more");
};
// delete: unlinks the entries and the directory.
struct RemoveStateDirectory {
    static constexpr Undo undo = irreversible("another delete goes on where this one stopped");
    std::string path;
};

}  // namespace bulkhead::plan
