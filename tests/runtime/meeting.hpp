// SPDX-License-Identifier: Apache-2.0
// Steps of the host lane by themselves: a state directory, a socket in place of the stage's, a made-up
// timeline.
#pragma once

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "runtime/steps/dispatch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/planning.hpp"

namespace bulkhead::test {

// SPAWN, the search of "sh", a host name, the program, and who waits for both.
inline plan::Timeline small_timeline(const std::string& program = "sh") {
    plan::TimelineBuilder builder;
    builder.host(plan::Spawn{0});                                               // 0
    builder.init(plan::SetHostname{builder.text("box")}, "/hostname");          // 1
    builder.init(plan::FindProgram{builder.text(program), builder.texts({})});  // 2
    builder.init(plan::ReportReady{});                                          // 3
    builder.init(plan::Execute{builder.texts({program}), builder.texts({}), builder.pointers(2),
                               builder.pointers(1)});  // 4
    builder.host(plan::AwaitReady{});
    builder.host(plan::AwaitExecution{});
    return finished(std::move(builder));
}

// A context whose stage is the test.
struct Meeting {
    explicit Meeting(plan::Timeline made = small_timeline()) : timeline(std::move(made)) {
        auto ends = std::move(*sys::message_pair());
        context.stage.report = std::move(ends.first);
        stage = std::move(ends.second);
    }
    void say(const plan::Report& report, int fd = -1) const {
        EXPECT_TRUE(sys::send(stage.number(), {reinterpret_cast<const char*>(&report), sizeof report}, fd));
    }
    // The step by itself, with the parts that it names.
    template <class Op>
    Result<> apply(const Op& op) {
        const runtime::StepContext at{timeline, 0};
        return runtime::apply_with_parts(op, runtime::AnyPart(context, at));
    }
    template <class Op>
    void undo(const Op& op) {
        const runtime::StepContext at{timeline, 0};
        runtime::undo_with_parts(op, runtime::AnyPart(context, at));
    }
    template <class Op>
    std::string error_of(const Op& op) {
        const auto done = apply(op);
        return done ? "" : done.error().text;
    }

    plan::Timeline timeline;
    runtime::ExecutionContext context;
    Fd stage;
};

}  // namespace bulkhead::test
