// SPDX-License-Identifier: Apache-2.0
// The host's side of the meetings with the stage: what it tells it, and waiting for what it says.
#include <cerrno>

#include "base/socket.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/reports.hpp"

namespace bulkhead::runtime {

Result<> tell_stage(const Workshop& workshop, char message) {
    auto sent = sys::send(workshop.report.number(), {&message, 1});
    // Before Linux 6.2 ECONNREFUSED where the other side is just closing.
    const bool nobody_hears = !sent && (sent.error().err == EPIPE || sent.error().err == ECONNREFUSED);
    return nobody_hears ? Result<>() : sent;
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::SendPrepared&) {
    return tell_stage(workshop, plan::prepared_message);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::SendGo&) {
    return tell_stage(workshop, plan::go_message);
}

// The copy is where others live, and has nothing left to do but to execute the program.
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitRespawn&) {
    TRY(Reports(workshop, context.timeline).await(plan::ReportKind::respawned));
    if (!workshop.joins) workshop.endurance = Endurance(newcomer_patience_ms);
    workshop.endurance.expose();
    return {};
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitReady&) {
    return Reports(workshop, context.timeline).await(plan::ReportKind::ready);
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitExecution&) {
    Reports reports(workshop, context.timeline);
    TRY(reports.await(plan::ReportKind::executing));
    return reports.await_end();
}

}  // namespace bulkhead::runtime
