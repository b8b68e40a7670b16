// SPDX-License-Identifier: Apache-2.0
// Sends the terminal's master and init's pidfd to the caller. One message, one descriptor, no answer: callers
// accept only after the runtime has exited (go-runc, conmon).
#include "base/socket.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

Result<> apply(const plan::ConnectConsole& op, Streams& streams) {
    LET(streams.console, sys::connect_stream(op.path));
    return {};
}

Result<> apply(const plan::SendConsole&, Streams& streams) {
    if (!streams.terminal) return fail(Kind::internal, "the stage sent no terminal");
    TRY(sys::send(streams.console.number(), "/dev/ptmx", streams.terminal.number()));
    streams.console.reset();
    streams.terminal.reset();
    return {};
}

Result<> apply(const plan::SendPidfd& op, const StageProcess& stage) {
    LET(const Fd socket, sys::connect_stream(op.path));
    return sys::send(socket.number(), op.kind, stage.process.number());
}

}  // namespace bulkhead::runtime
