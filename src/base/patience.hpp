// SPDX-License-Identifier: Apache-2.0
// How long the runtime waits for whoever called it, and for those whose sockets the caller named. It is told
// of all these in bulkhead(8), DEADLINES. Milliseconds.
#pragma once

namespace bulkhead {

// For a reader of stdout, stderr or the log to take the next byte, for a writer of stdin to give one, for a
// listener whose queue is full, for a socket to take a message. Each byte begins it anew.
inline constexpr int caller_patience_ms = 10'000;

// For the service manager of NOTIFY_SOCKET to come to our barrier: it may be starting other units meanwhile,
// and one that knows no barrier never answers (runc waits as long).
inline constexpr int manager_patience_ms = 30'000;

// For those who have the container's lock: longer than a verb needs it (systemd may take two minutes), so
// whoever has it for longer was probably stopped or frozen by somebody.
inline constexpr int holder_patience_ms = 180'000;

}  // namespace bulkhead
