// SPDX-License-Identifier: Apache-2.0
// How long the runtime waits for its caller, for those whose sockets the caller named, and for what a
// container can hold. bulkhead(8), DEADLINES, lists all of these. Milliseconds.
#pragma once

namespace bulkhead {

// For a reader of stdout, stderr or the log to take the next byte, for a writer of stdin to give one, for a
// listener whose queue is full, for a socket to take a message. Each byte starts it again.
inline constexpr int caller_patience_ms = 10'000;

// For the service manager of NOTIFY_SOCKET to come to our barrier: it may be starting other units meanwhile,
// and a manager without barriers never answers (runc waits as long).
inline constexpr int manager_patience_ms = 30'000;

// For those who have the container's lock: longer than a verb needs it (systemd may take two minutes), so a
// holder that has it for longer was probably stopped or frozen.
inline constexpr int holder_patience_ms = 180'000;

// For a `run` to publish a container whose program may be running already: it has been scheduled by then, or
// has its console's receiver to wait for, or hooks.
inline constexpr int publication_patience_ms = 5'000;

// For a process that is brought into a container (exec, a hook, a namespace with inhabitants) to execute its
// program, all in all. That takes 1 to 2 ms; a program on a slow disk, a machine that is emulated and a
// container that shares a hundredth of a processor have 30,000 times that. See runtime/steps/endurance.hpp.
inline constexpr int newcomer_patience_ms = 60'000;

// For the first process of a container to be ready, hooks not counted: nobody else is where it is, but what
// it mounts may be on slow disks, and what it copies (tmpcopyup) large.
inline constexpr int creation_patience_ms = 600'000;

// For the end of a process after SIGKILL. If a tracer or a silent file server holds the process, the runtime
// leaves it behind and names it.
inline constexpr int dying_patience_ms = 10'000;

}  // namespace bulkhead
