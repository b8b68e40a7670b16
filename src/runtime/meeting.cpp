// SPDX-License-Identifier: Apache-2.0
// The host's side of the meetings with the stage: "go", and waiting for what it says.
#include <cerrno>

#include "base/socket.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/reports.hpp"

namespace bulkhead::runtime {

// A stage that has failed before it could hear is no failure of this step: its report says what happened.
Result<> apply(Workshop& workshop, const StepContext&, const plan::SendGo&) {
    const auto sent = sys::send(workshop.report.number(), {&plan::go_message, 1});
    if (!sent && sent.error().err == EPIPE) return {};
    return sent;
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitRespawn&) {
    return Reports(workshop, context.timeline).await(plan::ReportKind::respawned);
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
