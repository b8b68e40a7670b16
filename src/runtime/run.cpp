// SPDX-License-Identifier: Apache-2.0
#include "runtime/run.hpp"

#include <signal.h>

#include "base/guarded.hpp"
#include "base/sys.hpp"
#include "plan/explain.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/reports.hpp"

namespace bulkhead::runtime {

namespace {

// Fault injection: fail as the kernel would, or die as a runtime dies that somebody killed.
Result<> inject(const plan::Fault& fault) {
    if (fault.action == plan::Fault::killed) (void)::raise(SIGKILL);
    return system_error(fault.action, "injected fault");
}

// "make_cgroup /sys/fs/cgroup/x (/linux/cgroupsPath): ..."
Error named(Error error, const plan::Step& step, plan::ArenaView arena) {
    const plan::Description what = plan::describe(step, arena);
    std::string phrase = cat(what.verb, ' ', quotable(what.object));
    if (!step.pointer.empty()) phrase.append(cat(" (", step.pointer, ")"));
    return std::move(error).under(phrase);
}

// What the stage reports names a step of its own.
bool speaks_for_the_stage(const plan::HostOp& op) {
    return std::holds_alternative<plan::AwaitReady>(op) || std::holds_alternative<plan::AwaitExecution>(op) ||
           std::holds_alternative<plan::AwaitRespawn>(op) ||
           std::holds_alternative<plan::DeliverListener>(op);
}

Result<> perform(const plan::HostOp& op, Workshop& workshop, const StepContext& context) {
    const plan::Step& step = context.timeline.steps()[context.number];
    const bool faulty = workshop.fault.step == static_cast<int>(context.number);
    auto done = faulty ? inject(workshop.fault) : guarded([&] {
        return std::visit([&](const auto& verb) { return apply(workshop, context, verb); }, op);
    });
    if (done || (speaks_for_the_stage(op) && !faulty)) return done;
    const bool interrupted = done.error().kind == Kind::interrupted;
    if (workshop.report && !faulty &&
        !interrupted)  // the step may have failed because the stage did, and was gone
        TRY(Reports(workshop, context.timeline).hear());
    if (std::holds_alternative<plan::RunHooks>(op) && !faulty) return done;  // it has named the hook
    return std::unexpected(named(std::move(done).error(), step, context.timeline.arena()));
}

void undo_before(const plan::Timeline& timeline, std::size_t failed, Workshop& workshop) {
    for (std::size_t i = failed; i-- > 0;)
        if (const auto* op = std::get_if<plan::HostOp>(&timeline.steps()[i].op))
            std::visit([&](const auto& step) { undo(workshop, step); }, *op);
}

}  // namespace

Result<> run(const plan::Timeline& timeline, Workshop& workshop) {
    workshop.slots.resize(timeline.slot_count());
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const plan::Step& step = timeline.steps()[i];
        if (step.lane() == plan::Lane::init) continue;
        auto done = perform(std::get<plan::HostOp>(step.op), workshop, {timeline, i});
        if (!done) {
            undo_before(timeline, i, workshop);
            for (const std::string& each : workshop.left_behind) done.error().text.append("; ").append(each);
            return done;
        }
        if (workshop.traced)
            workshop.times.push_back({sys::monotonic_ns(), static_cast<std::uint32_t>(i), 0});
    }
    return {};
}

}  // namespace bulkhead::runtime
