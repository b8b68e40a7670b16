// SPDX-License-Identifier: Apache-2.0
// The host's side of the meetings with the stage: what it tells it, and waiting for what it says.
#include <cerrno>

#include "base/socket.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/reports.hpp"

namespace bulkhead::runtime {

Result<> tell_stage(const StageProcess& stage, char message) {
    auto sent = sys::send(stage.report.number(), {&message, 1});
    // Before Linux 6.2 ECONNREFUSED if the other side is just closing.
    const bool nobody_hears = !sent && (sent.error().err == EPIPE || sent.error().err == ECONNREFUSED);
    return nobody_hears ? Result<>() : sent;
}

Result<> apply(const plan::SendPrepared&, const StageProcess& stage) {
    return tell_stage(stage, plan::prepared_message);
}

Result<> apply(const plan::SendGo&, const StageProcess& stage) { return tell_stage(stage, plan::go_message); }

// The copy is where others live, and has nothing left to do but to execute the program.
Result<> apply(const plan::AwaitRespawn&, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk) {
    TRY(Reports({stage, streams, walk, control}, step.timeline).await(plan::ReportKind::respawned));
    if (!stage.joins) stage.endurance = Endurance(newcomer_patience_ms);
    stage.endurance.expose();
    return {};
}

Result<> apply(const plan::AwaitReady&, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk) {
    return Reports({stage, streams, walk, control}, step.timeline).await(plan::ReportKind::ready);
}

Result<> apply(const plan::AwaitExecution&, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk) {
    Reports reports({stage, streams, walk, control}, step.timeline);
    TRY(reports.await(plan::ReportKind::executing));
    return reports.await_end();
}

}  // namespace bulkhead::runtime
