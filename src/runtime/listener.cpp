// SPDX-License-Identifier: Apache-2.0
// The seccomp listener: fetched from the stage, which can call nothing once its filter is in force, and
// handed to the agent (config-linux.md, "The Container Process State").
#include <cerrno>

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "runtime/host_ops.hpp"
#include "runtime/reports.hpp"
#include "spec/spec.hpp"

namespace bulkhead::runtime {

namespace {

constexpr int deadline_ms = 10'000;

// What a descriptor of ours is, as the kernel calls it.
Result<bool> is_listener(const Fd& file) {
    LET(const std::string name, sys::link_target(cat("/proc/self/fd/", file.number())));
    return name == "anon_inode:seccomp notify";
}

// The stage has said the number, and makes the listener right then: a moment later it is there, or the stage
// has said why not.
Result<Fd> fetch(Workshop& workshop, Reports& reports) {
    for (int waited = 0; waited < deadline_ms; ++waited) {
        auto file = sys::take_descriptor(workshop.process.number(), workshop.listener);
        // ESRCH: it has ended; why, it has said before.
        if (!file && file.error().err != EBADF && file.error().err != ESRCH) return file;
        if (file) {
            LET(const bool listener, is_listener(*file));
            if (listener) return file;
        }
        LET(const bool spoken, sys::wait_readable(workshop.report.number(), 1));
        if (!spoken) continue;
        TRY(reports.await_end());
        return fail(Kind::kernel, "container init is gone");
    }
    return fail(Kind::kernel, "the seccomp listener did not appear within ", deadline_ms, " ms");
}

std::string annotations_json(const State& state) {
    std::string text;
    for (const auto& [key, value] : state.annotations)
        text.append(cat(text.empty() ? "" : ",", json_string(key), ":", json_string(value)));
    return text;
}

std::string process_state(const State& state, std::string_view metadata) {
    const std::string version = json_string(spec::implemented_version);
    return cat(R"({"ociVersion":)", version, R"(,"fds":["seccompFd"],"pid":)", state.pid, R"(,"metadata":)",
               json_string(metadata), R"(,"state":{"ociVersion":)", version, R"(,"id":)",
               json_string(state.id), R"(,"status":"creating","pid":)", state.pid, R"(,"bundle":)",
               json_string(state.bundle), R"(,"annotations":{)", annotations_json(state), "}}}");
}

}  // namespace

Result<> apply(Workshop& workshop, const StepContext&, const plan::MakeHandshake& op) {
    LET(Fd page, sys::memory_file("handshake", false));
    TRY(sys::write_all(page.number(), std::string(sizeof(std::uint32_t), '\0')));
    workshop.slots[op.slot.index] = std::move(page);
    return {};
}

Result<> apply(Workshop& workshop, const StepContext& context, const plan::DeliverListener& op) {
    Reports reports(workshop, context.timeline);
    TRY(reports.await(plan::ReportKind::listening));
    LET(const Fd listener, fetch(workshop, reports));
    auto agent = sys::connect_stream(op.path);
    if (!agent)
        return std::unexpected(std::move(agent).error().under(
            "/linux/seccomp/listenerPath: failed to connect with seccomp agent"));
    TRY(sys::send(agent->number(), process_state(workshop.state, op.metadata), listener.number()));
    return sys::write_at(workshop.slots[op.handshake.index].number(), "d", 0);
}

}  // namespace bulkhead::runtime
