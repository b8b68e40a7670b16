// SPDX-License-Identifier: Apache-2.0
// The seccomp listener: fetched from the stage, which can call nothing once its filter is in force, and
// handed to the agent (config-linux.md, "The Container Process State").
#include <cerrno>

#include "base/json_writer.hpp"
#include "base/socket.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "runtime/record/oci_state.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/reports.hpp"
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
Result<Fd> fetch(const StageProcess& stage, Reports& reports) {
    for (int waited = 0; waited < deadline_ms; ++waited) {
        auto file = sys::take_descriptor(stage.process.number(), stage.listener);
        // ESRCH: it has ended; why, it has said before.
        if (!file && file.error().err != EBADF && file.error().err != ESRCH) return file;
        if (file) {
            LET(const bool listener, is_listener(*file));
            if (listener) return file;
        }
        LET(const bool spoken, sys::wait_readable(stage.report.number(), 1));
        if (!spoken) continue;
        TRY(reports.await_end());
        return fail(Kind::kernel, "container init is gone");
    }
    return fail(Kind::kernel, "the seccomp listener did not appear within ", deadline_ms, " ms");
}

std::string process_state(const State& state, const StageProcess& stage, const plan::DeliverListener& op) {
    const pid_t init = stage.joins ? state.pid : stage.pid;
    constexpr auto style = JsonWriter::Style::compact;
    JsonWriter writer;
    writer.object(style).member("ociVersion", spec::implemented_version);
    writer.key("fds").array(style).value("seccompFd").end();
    writer.member("pid", stage.pid).member("metadata", op.metadata);
    writer.key("state").raw(oci_state(state, op.status, init)).end();
    return std::move(writer).text();
}

}  // namespace

Result<> apply(const plan::MakeHandshake& op, HostResources& host, StageProcess& stage) {
    LET(stage.handshake, RobustWord::make());
    host.slots[op.slot.index] = stage.handshake.take_file();
    return {};
}

Result<> apply(const plan::DeliverListener& op, const StepContext& step, const ContainerRecord& record,
               const ResourceControl& control, StageProcess& stage, Streams& streams, Walk& walk) {
    Reports reports({stage, streams, walk, control}, step.timeline);
    TRY(reports.await(plan::ReportKind::listening));
    LET(const Fd listener, fetch(stage, reports));
    auto agent = sys::connect_stream(op.path);
    if (!agent)
        return std::unexpected(std::move(agent).error().under(
            "/linux/seccomp/listenerPath: failed to connect with seccomp agent"));
    TRY(sys::send(agent->number(), process_state(record.state, stage, op), listener.number()));
    stage.handshake.release();
    return {};
}

}  // namespace bulkhead::runtime
