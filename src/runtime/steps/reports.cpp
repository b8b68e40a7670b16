// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/reports.hpp"

#include <signal.h>

#include <cerrno>
#include <cstring>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "cgroups/group/group.hpp"
#include "plan/explain.hpp"
#include "rootfs/copy_up_limits.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/stage_file.hpp"

namespace bulkhead::runtime {

namespace {

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

// True if tmpcopyup found more than it copies.
bool is_beyond_copying(const plan::Step& step, const plan::Report& report) {
    const auto* init = std::get_if<plan::InitStep>(&step.op);
    return init != nullptr && init->op == plan::InitVocabulary::index_of<plan::MountFilesystem>() &&
           report.call == plan::Call::check && (report.error == EFBIG || report.error == EOVERFLOW);
}

std::string copying_limits() {
    return cat(" (tmpcopyup copies at most ", rootfs::copy_byte_limit >> 20,
               " MiB where the option size= says no "
               "other limit, ",
               rootfs::copy_entry_limit, " entries and ", rootfs::copy_depth_limit,
               " directories in each other)");
}

std::string step_reason(const plan::Timeline& timeline, const plan::Report& report) {
    const plan::Step* step = step_of(timeline, report);
    if (step == nullptr) return cat("unknown step ", report.step, ": ", errno_words(report.error));
    const plan::Description what = plan::describe(*step, timeline.arena());
    std::string reason =
        cat("error during container init: step ", report.step, ", ", what.name, ' ', quotable(what.object));
    if (!step->pointer.empty()) reason.append(cat(" (", step->pointer, ")"));
    if (report.call != plan::Call::none) reason.append(": ").append(plan::name_of(report.call));
    reason.append(": ").append(errno_words(report.error));
    if (is_beyond_copying(*step, report)) reason.append(copying_limits());
    return reason;
}

template <class Op>
bool is_at(const plan::Timeline& timeline, const plan::Report& report) {
    const plan::Step* step = step_of(timeline, report);
    const auto* init = step == nullptr ? nullptr : std::get_if<plan::InitStep>(&step->op);
    return init != nullptr && init->op == plan::InitVocabulary::index_of<Op>();
}

bool is_behind_respawn(const plan::Timeline& timeline, std::uint16_t step) {
    plan::Report earlier{};
    for (; earlier.step < step; ++earlier.step)
        if (is_at<plan::Respawn>(timeline, earlier)) return true;
    return false;
}

template <class Op>
Op op_of(const plan::Timeline& timeline, const plan::Report& report) {
    Op op;
    std::memcpy(&op, std::get<plan::InitStep>(timeline.steps()[report.step].op).payload, sizeof op);
    return op;
}

Error failure(const plan::Timeline& timeline, const plan::Report& report) {
    std::string reason = step_reason(timeline, report);
    if (report.call == plan::Call::faccessat && is_at<plan::FindProgram>(timeline, report)) {
        const auto op = op_of<plan::FindProgram>(timeline, report);
        reason = program_reason(timeline.arena().text(op.name), report.error);
    } else if (report.call == plan::Call::execve && is_at<plan::Execute>(timeline, report)) {
        const auto op = op_of<plan::Execute>(timeline, report);
        reason =
            cat("exec ", quotable(timeline.arena().text(op.arguments, 0)), ": ", errno_words(report.error));
    }
    return Error{Kind::kernel, report.error, cat(start_failed, reason)};
}

std::unexpected<Error> killed_at(const plan::Timeline& timeline, int step, int status, bool joins) {
    const char* who = joins ? "the process" : "container init";
    std::string reason = status > 128 ? cat(who, " was killed by signal ", status - 128)
                                      : cat(who, " exited with status ", status);
    if (step >= 0) {
        const plan::Description what =
            plan::describe(timeline.steps()[static_cast<std::size_t>(step)], timeline.arena());
        reason.append(cat(" at step ", step, ", ", what.name, ' ', quotable(what.object)));
    }
    return fail(Kind::kernel, start_failed, reason);
}

std::uint32_t bit(plan::ReportKind kind) { return 1u << static_cast<unsigned>(kind); }

}  // namespace

// The wait ends when the caller does not want to wait longer, and when the newcomer's time is over. A tracer
// may also keep the socket: its end is not the only sign of execve.
Result<bool> Reports::wait() {
    for (;;) {
        auto said = sys::wait_readable(stage_.report.number(), sys::look_ms);
        if (!said) said.error().text.insert(0, start_failed);
        if (!said || *said) return said;
        if ((stage_.said & bit(plan::ReportKind::executing)) != 0 && !is_stage()) return false;
        TRY(look_after_it());
    }
}

// Continues a newcomer that somebody has stopped.
Result<> Reports::look_after_it() {
    const auto status = process_status(stage_.pid);
    if (status && status->stopped()) (void)sys::signal_process(stage_.process.number(), SIGCONT);
    if (stage_.awaits_thaw && control_.cgroup && cgroups::frozen(control_.cgroup.number()).value_or(false))
        stage_.endurance.renew();
    const auto why = stage_.endurance.exhausted(status, sys::look_ms);
    return why ? fail(Kind::kernel, start_failed, "the process ", *why) : Result<>();
}

Result<bool> Reports::ended() {
    if (failure_) return std::unexpected(std::move(*failure_));
    return false;
}

// What the kernel calls the program of the process; nobody else can see it by that name (stage_file.cpp).
bool Reports::is_stage() const {
    const auto program = sys::link_target(cat("/proc/", stage_.pid, "/exe"));
    return program && (program->starts_with(stage_name) || *program == detached_stage_name);
}

// A report that is longer than any stage's comes from a tracer.
Result<bool> Reports::next() {
    constexpr unsigned most = 16;
    if (++stage_.reports > most) return fail(Kind::kernel, start_failed, "the stage says too much");
    LET(const bool somebody, wait());
    if (!somebody) return ended();
    LET(sys::Received message, sys::receive(stage_.report.number(), buffer_));
    if (message.size < sizeof(plan::Report)) return ended();
    plan::Report report{};
    std::memcpy(&report, buffer_.data(), sizeof report);
    TRY(take(report, message));
    stage_.said |= bit(report.kind);
    return true;
}

Result<> Reports::await(plan::ReportKind awaited) {
    while (fault_step_ >= 0 || (stage_.said & bit(awaited)) == 0) {
        LET(const bool more, next());
        if (!more) return gone();
    }
    // If hooks run, a stage is ready twice.
    if (awaited == plan::ReportKind::ready) stage_.said &= ~bit(awaited);
    return {};
}

Result<> Reports::await_end() {
    for (bool more = true; more;) {
        LET(more, next());
    }
    if (fault_step_ >= 0) return gone();
    return {};
}

Result<> Reports::hear() {
    constexpr int at_once = 0;
    for (bool more = true; more;) {
        LET(const bool said, sys::wait_readable(stage_.report.number(), at_once));
        if (!said && !failure_) break;
        LET(more, next());
    }
    return {};
}

Result<> Reports::take(const plan::Report& report, sys::Received& message) {
    switch (report.kind) {
        case plan::ReportKind::failed: return fail_with(report);
        case plan::ReportKind::terminal:
            if (!was_respawned()) streams_.terminal = std::move(message.fd);
            break;
        case plan::ReportKind::at_fault: return kill(report);
        case plan::ReportKind::executing: take_times(report, message.size); break;
        case plan::ReportKind::respawned: return adopt(report.error);
        case plan::ReportKind::listening: stage_.listener = report.error; break;
        case plan::ReportKind::ready: break;
    }
    return {};
}

// The copy may have failed before the first has told its pid. Without the pid we cannot reap it: then init of
// its pid namespace, which waits for that when it dies, would never be gone.
Result<> Reports::fail_with(const plan::Report& report) {
    Error error = failure(timeline_, report);
    if (!is_of_unknown_copy(report)) return std::unexpected(std::move(error));
    failure_ = std::move(error);
    return {};
}

// The copy's parent is this process, too, so its pid cannot be another's before we have reaped it. A
// tracer of the copy may write to its socket as well: only one pid is taken, and only a child's.
Result<> Reports::adopt(pid_t pid) {
    if (was_respawned() || pid == stage_.pid) return {};
    LET(Fd copy, sys::open_process(pid));
    if (!sys::is_child(copy.number()))
        return fail(Kind::kernel, start_failed, "process ", pid, " is none of ours");
    end_process(stage_, walk_.left_behind, false);  // it only has to end
    stage_.process = std::move(copy);
    stage_.pid = pid;
    if (failure_) return std::unexpected(std::move(*failure_));
    if (fault_step_ < 0) return {};
    return sys::signal_process(stage_.process.number(), SIGKILL);
}

// The copy may be at its fault before the first has told its pid.
Result<> Reports::kill(const plan::Report& report) {
    const bool asked_for = report.step == walk_.fault.step;
    if (!asked_for) return fail(Kind::kernel, start_failed, "the stage is at a fault that nobody asked for");
    fault_step_ = report.step;
    if (is_of_unknown_copy(report)) return {};
    return sys::signal_process(stage_.process.number(), SIGKILL);
}

bool Reports::is_of_unknown_copy(const plan::Report& report) const {
    return !was_respawned() && is_behind_respawn(timeline_, report.step);
}

bool Reports::was_respawned() const { return (stage_.said & bit(plan::ReportKind::respawned)) != 0; }

// It has ended, or has lost its socket to a tracer.
std::unexpected<Error> Reports::gone() {
    const int status = end_process(stage_, walk_.left_behind, true).value_or(128 + SIGKILL);
    return killed_at(timeline_, fault_step_, status, stage_.joins);
}

void Reports::take_times(const plan::Report& report, std::size_t size) {
    const std::size_t count = (size - sizeof report) / sizeof(plan::StepTime);
    for (std::size_t i = 0; i < count && i < report.times; ++i) {
        plan::StepTime time{};
        std::memcpy(&time, buffer_.data() + sizeof report + i * sizeof time, sizeof time);
        if (time.step < timeline_.steps().size()) walk_.times.push_back(time);
    }
}

}  // namespace bulkhead::runtime
