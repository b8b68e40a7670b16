// SPDX-License-Identifier: Apache-2.0
// Handing the terminal's master and init's pidfd to the caller. One message, one descriptor, no answer:
// callers accept only after the runtime has exited (go-runc, conmon).
#include "base/socket.hpp"
#include "runtime/host_ops.hpp"

namespace bulkhead::runtime {

Result<> apply(Workshop& workshop, const StepContext&, const plan::ConnectConsole& op) {
    LET(workshop.console, sys::connect_stream(op.path));
    return {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::SendConsole&) {
    if (!workshop.terminal) return fail(Kind::internal, "the stage sent no terminal");
    TRY(sys::send(workshop.console.number(), "/dev/ptmx", workshop.terminal.number()));
    workshop.console.reset();
    workshop.terminal.reset();
    return {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::SendPidfd& op) {
    LET(const Fd socket, sys::connect_stream(op.path));
    return sys::send(socket.number(), op.kind, workshop.process.number());
}

}  // namespace bulkhead::runtime
