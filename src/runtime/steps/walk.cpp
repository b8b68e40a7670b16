// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/walk.hpp"

#include <signal.h>

#include "base/guarded.hpp"
#include "base/sys.hpp"
#include "plan/explain.hpp"
#include "runtime/steps/dispatch.hpp"
#include "runtime/steps/reports.hpp"

namespace bulkhead::runtime {

namespace {

// Fault injection: fail as the kernel would, or die as a killed runtime does.
Result<> inject(const plan::Fault& fault) {
    if (fault.action == plan::Fault::killed) (void)::raise(SIGKILL);
    return system_error(fault.action, "injected fault");
}

// "make_cgroup /sys/fs/cgroup/x (/linux/cgroupsPath): ..."
Error named(Error error, const plan::Step& step, plan::ArenaView arena) {
    const plan::Description what = plan::describe(step, arena);
    std::string phrase = cat(what.name, ' ', quotable(what.object));
    if (!step.pointer.empty()) phrase.append(cat(" (", step.pointer, ")"));
    return std::move(error).under(phrase);
}

template <class Op>
consteval plan::Wording wording_of() {
    if constexpr (requires { Op::wording; }) return Op::wording;
    return plan::Wording::of_the_walker;
}

plan::Wording wording_of(const plan::HostOp& op) {
    return std::visit([]<class Op>(const Op&) { return wording_of<Op>(); }, op);
}

Result<> perform(const plan::HostOp& op, ExecutionContext& context, const StepContext& at) {
    const plan::Step& step = at.timeline.steps()[at.number];
    const bool faulty = context.walk.fault.step == static_cast<int>(at.number);
    const AnyPart part(context, at);
    auto done = faulty ? inject(context.walk.fault) : guarded([&] {
        return std::visit([&](const auto& each) { return apply_with_parts(each, part); }, op);
    });
    const plan::Wording wording = faulty ? plan::Wording::of_the_walker : wording_of(op);
    if (done || wording == plan::Wording::of_the_stage) return done;
    const bool interrupted = done.error().kind == Kind::interrupted;
    // The step may have failed because the stage has: then the stage's own report is the reason.
    if (context.stage.report && !faulty && !interrupted)
        TRY(Reports({context.stage, context.streams, context.walk, context.control}, at.timeline).hear());
    if (wording == plan::Wording::of_the_step) return done;
    return std::unexpected(named(std::move(done).error(), step, at.timeline.arena()));
}

void undo_before(const plan::Timeline& timeline, std::size_t failed, ExecutionContext& context) {
    for (std::size_t i = failed; i-- > 0;) {
        const StepContext at{timeline, i};
        const AnyPart part(context, at);
        if (const auto* op = std::get_if<plan::HostOp>(&timeline.steps()[i].op))
            std::visit([&](const auto& each) { undo_with_parts(each, part); }, *op);
    }
}

}  // namespace

Result<> walk(const plan::Timeline& timeline, ExecutionContext& context) {
    context.host.slots.resize(timeline.slot_count());
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const plan::Step& step = timeline.steps()[i];
        if (step.lane() == plan::Lane::init) continue;
        auto done = perform(std::get<plan::HostOp>(step.op), context, {timeline, i});
        if (!done) {
            undo_before(timeline, i, context);
            for (const std::string& each : context.walk.left_behind)
                done.error().text.append("; ").append(each);
            return done;
        }
        if (context.walk.traced)
            context.walk.times.push_back({sys::monotonic_ns(), static_cast<std::uint32_t>(i), 0});
    }
    return {};
}

}  // namespace bulkhead::runtime
