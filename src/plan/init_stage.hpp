// SPDX-License-Identifier: Apache-2.0
// Init steps of the stage itself (runtime/stage): signals, descriptors, the meetings with the host, execve.
// Freestanding.
#pragma once

#include <cstdint>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// Marks every descriptor from `first` on close-on-exec (close_range with CLOEXEC), including those that a
// sloppy caller leaked.
struct MarkDescriptors {
    std::uint32_t first;
};
// Sets every signal to its default and blocks none, whatever the caller ignored.
struct ResetSignals {};
// Sleeps until the host's byte: the host's own work is done. The end of the stream means that the host is
// dead, and the stage ends.
struct AwaitGo {};
// Sends the report *ready*: nothing but the start is missing.
struct ReportReady {};
// Sleeps until `start` writes to the exec fifo.
struct AwaitStart {
    Slot fifo;
    using Reads = Members<&AwaitStart::fifo>;
};
// Keeps the descriptor of a slot open over the next CloseDescriptors; execve closes it.
struct KeepDescriptor {
    Slot slot;
    Text name;  // for explain
    using Reads = Members<&KeepDescriptor::slot>;
};
// Closes every descriptor from `first` on for good, except the report socket and those of KeepDescriptor,
// which are close-on-exec.
struct CloseDescriptors {
    std::uint32_t first;
};
// Sends the report *executing*, with the times if traced: only the filter, if there is one, and execve are
// left.
struct ReportExecution {};
// execve of the program that FindProgram found.
struct Execute {
    Texts arguments;
    Texts environment;
    Pointers argv;
    Pointers envp;
};

// Clones the stage as a sibling (CLONE_PARENT: the host stays the parent), reports the copy's pid and exits;
// the copy goes on. Only a child is in a pid namespace that was joined or unshared.
struct Respawn {};

}  // namespace bulkhead::plan
