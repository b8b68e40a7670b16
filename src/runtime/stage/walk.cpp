// SPDX-License-Identifier: Apache-2.0
#include "runtime/stage/walk.hpp"

#include <asm/errno.h>

#include "namespaces/init_ops.hpp"
#include "process/init_ops.hpp"
#include "rootfs/init_ops.hpp"
#include "runtime/stage/stage_ops.hpp"
#include "seccomp/init_ops.hpp"

namespace bulkhead::stage {

using namespaces::apply;
using process::apply;
using rootfs::apply;
using seccomp::apply;

namespace {

constexpr int failure = 1;  // the stage's exit code; the reason travels in the report

constinit int slots[plan::slot_limit] = {};
constinit plan::Anchored anchors[plan::anchor_limit] = {};
constinit plan::StepTime times[plan::timed_steps] = {};

// Fault injection: fails as the kernel would, or stands still for the host's SIGKILL (which pid 1 of a
// namespace cannot send to itself).
plan::Outcome inject(const plan::StageContext& stage, const plan::PlanHeader& plan) {
    if (plan.fault_action != plan::Fault::killed) return {plan.fault_action, plan::Call::none};
    send(stage.report,
         {.kind = plan::ReportKind::at_fault, .step = static_cast<std::uint16_t>(plan.fault_step)});
    for (;;) raw::call(__NR_ppoll, 0L, 0L, 0L, 0L, 0L);
}

plan::Outcome perform(plan::StageContext& stage, const plan::PlanHeader& plan, const plan::InitStep& step) {
    if (step.number == plan.fault_step) return inject(stage, plan);
    return plan::visit<plan::Outcome>(step, [&](const auto& op) { return apply(stage, op); });
}

void record_time(plan::StageContext& stage, std::uint32_t step) {
    if (stage.times == nullptr || stage.time_count == plan::timed_steps) return;
    stage.times[stage.time_count++] = {raw::monotonic_ns(), step, 0};
}

}  // namespace

int walk(char* bytes, int handover) {
    const auto& plan = *reinterpret_cast<const plan::PlanHeader*>(bytes);
    const int report = handover + plan::handover_report;
    for (int i = 0; i < static_cast<int>(plan.slot_count); ++i)
        slots[i] = handover + plan::handover_slots + i;
    plan::StageContext stage{.arena = plan::ArenaView(bytes + plan.arena_at),
                             .slots = slots,
                             .anchors = anchors,
                             .report = report,
                             .times = plan.traced != 0 ? times : nullptr};
    const auto* steps = reinterpret_cast<const plan::InitStep*>(bytes + plan.steps_at);
    for (std::uint32_t i = 0; i < plan.step_count; ++i) {
        const plan::Outcome outcome = perform(stage, plan, steps[i]);
        if (!outcome) {
            send(report, {plan::ReportKind::failed, steps[i].number, outcome.error, outcome.call});
            return failure;
        }
        record_time(stage, steps[i].number);
    }
    return failure;  // not reached: the last step executes the program
}

}  // namespace bulkhead::stage
