// SPDX-License-Identifier: Apache-2.0
// The host's side of the two meetings with the stage: "go", and the reports. The stage formats nothing: a
// failure is a step and an errno, and the sentence is made here, from the same list.
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "plan/explain.hpp"
#include "runtime/host_ops.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::string_view start_failed = "unable to start container process: ";

const plan::Step* step_of(const plan::Timeline& timeline, const plan::Report& report) {
    return report.step < timeline.steps().size() ? &timeline.steps()[report.step] : nullptr;
}

// Docker and podman map these words to exit codes 126 and 127.
std::string program_reason(std::string_view name, int err) {
    const bool searched = name.find('/') == std::string_view::npos;
    const std::string program = cat("exec: ", quoted(name), ": ");
    if (searched) return cat(program, "executable file not found in $PATH");
    if (err == EISDIR) return cat(program, "is a directory: permission denied");
    if (err == EACCES) return cat(program, errno_words(err));
    return cat(program, "stat ", quotable(name), ": ", errno_words(err));
}

std::string step_reason(const plan::Timeline& timeline, const plan::Report& report) {
    const plan::Step* step = step_of(timeline, report);
    if (step == nullptr) return cat("unknown step ", report.step, ": ", errno_words(report.error));
    const plan::Description what = plan::describe(*step, timeline.arena());
    std::string reason =
        cat("error during container init: step ", report.step, ", ", what.verb, ' ', quotable(what.object));
    if (!step->pointer.empty()) reason.append(cat(" (", step->pointer, ")"));
    if (report.call != plan::Call::none) reason.append(": ").append(plan::name_of(report.call));
    return reason.append(": ").append(errno_words(report.error));
}

template <class Op>
bool failed_in(const plan::Timeline& timeline, const plan::Report& report) {
    const plan::Step* step = step_of(timeline, report);
    const auto* init = step == nullptr ? nullptr : std::get_if<plan::InitStep>(&step->op);
    return init != nullptr && init->op == plan::InitVocabulary::index_of<Op>();
}

template <class Op>
Op op_of(const plan::Timeline& timeline, const plan::Report& report) {
    Op op;
    std::memcpy(&op, std::get<plan::InitStep>(timeline.steps()[report.step].op).payload, sizeof op);
    return op;
}

Error failure(const plan::Timeline& timeline, const plan::Report& report) {
    std::string reason = step_reason(timeline, report);
    if (report.call == plan::Call::faccessat && failed_in<plan::FindProgram>(timeline, report)) {
        const auto op = op_of<plan::FindProgram>(timeline, report);
        reason = program_reason(timeline.arena().text(op.name), report.error);
    } else if (report.call == plan::Call::execve && failed_in<plan::Execute>(timeline, report)) {
        const auto op = op_of<plan::Execute>(timeline, report);
        reason =
            cat("exec ", quotable(timeline.arena().text(op.arguments, 0)), ": ", errno_words(report.error));
    }
    return Error{Kind::kernel, report.error, cat(start_failed, reason)};
}

std::unexpected<Error> killed_at(const plan::Timeline& timeline, int step, int status) {
    std::string reason = status > 128 ? cat("container init was killed by signal ", status - 128)
                                      : cat("container init exited with status ", status);
    if (step >= 0) {
        const plan::Description what =
            plan::describe(timeline.steps()[static_cast<std::size_t>(step)], timeline.arena());
        reason.append(cat(" at step ", step, ", ", what.verb, ' ', quotable(what.object)));
    }
    return fail(Kind::kernel, start_failed, reason);
}

// Reads reports until the stage has said `awaited`, has failed, or is gone.
class Listener {
  public:
    Listener(Workshop& workshop, const plan::Timeline& timeline) : workshop_(workshop), timeline_(timeline) {}

    Result<> await(plan::ReportKind awaited) {
        for (;;) {
            LET(sys::Received message, sys::receive(workshop_.report.number(), buffer_));
            if (message.size < sizeof(plan::Report)) return gone();
            plan::Report report{};
            std::memcpy(&report, buffer_.data(), sizeof report);
            switch (report.kind) {
                case plan::ReportKind::failed: return std::unexpected(failure(timeline_, report));
                case plan::ReportKind::terminal: workshop_.terminal = std::move(message.fd); break;
                case plan::ReportKind::at_fault: TRY(kill(report)); break;
                case plan::ReportKind::executing: take_times(report, message.size); break;
                case plan::ReportKind::ready: break;
            }
            if (report.kind == awaited) return {};
        }
    }

    // The report socket closes with execve; what comes before that is a failure.
    Result<> await_end() {
        LET(const sys::Received message, sys::receive(workshop_.report.number(), buffer_));
        if (message.size < sizeof(plan::Report)) return {};
        plan::Report report{};
        std::memcpy(&report, buffer_.data(), sizeof report);
        return std::unexpected(failure(timeline_, report));
    }

  private:
    Result<> kill(const plan::Report& report) {
        fault_step_ = report.step;
        return sys::signal_process(workshop_.process.number(), SIGKILL);
    }

    std::unexpected<Error> gone() {
        const int status = sys::wait_process(workshop_.process.number()).value_or(0);
        return killed_at(timeline_, fault_step_, status);
    }

    void take_times(const plan::Report& report, std::size_t size) {
        const std::size_t count = (size - sizeof report) / sizeof(plan::StepTime);
        for (std::size_t i = 0; i < count && i < report.times; ++i) {
            plan::StepTime time{};
            std::memcpy(&time, buffer_.data() + sizeof report + i * sizeof time, sizeof time);
            workshop_.times.push_back(time);
        }
    }

    Workshop& workshop_;
    const plan::Timeline& timeline_;
    int fault_step_ = -1;
    std::array<char, sizeof(plan::Report) + plan::timed_steps * sizeof(plan::StepTime)> buffer_;
};

}  // namespace

// A stage that has failed before it could hear is no failure of this step: its report says what happened.
Result<> apply(Workshop& workshop, const StepContext&, const plan::SendGo&) {
    const auto sent = sys::send(workshop.report.number(), {&plan::go_message, 1});
    if (!sent && sent.error().err == EPIPE) return {};
    return sent;
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitReady&) {
    return Listener(workshop, context.timeline).await(plan::ReportKind::ready);
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitExecution&) {
    Listener listener(workshop, context.timeline);
    TRY(listener.await(plan::ReportKind::executing));
    return listener.await_end();
}

}  // namespace bulkhead::runtime
