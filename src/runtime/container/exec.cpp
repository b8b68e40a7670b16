// SPDX-License-Identifier: Apache-2.0
// exec: a further process in a container, with the policy that the container was made with.
#include <linux/sched.h>

#include <algorithm>
#include <iterator>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "namespaces/plan.hpp"
#include "namespaces/visit.hpp"
#include "process/plan.hpp"
#include "runtime/attached/attend.hpp"
#include "runtime/attached/caller_terminal.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/container/request.hpp"
#include "runtime/steps/walk.hpp"
#include "spec/json.hpp"
#include "spec/parse.hpp"

namespace bulkhead::runtime {

namespace {

// The process to start. The file is the caller's, who may remove it when this command has ended.
Result<spec::Process> wanted_process(const ExecRequest& request, spec::Process own) {
    if (request.process_file.empty()) return changed_process(std::move(own), request.changes);
    LET(const std::string text, read_file_at(sys::here, request.process_file, json::document_limit));
    LET(spec::Process given, spec::parse_process(text, request.process_file));
    return completed_process(std::move(given), own);
}

// A property of --process is not one of config.json.
std::string renamed(std::string text, const std::string& process_file) {
    constexpr std::string_view there = "config.json: /process";
    if (!process_file.empty() && text.starts_with(there))
        text.replace(0, there.size(), cat(process_file, ": "));
    return text;
}

// The container's config, with the process to start in the place of the container's own.
Result<spec::ValidSpec> spec_of(const Found& found, const ExecRequest& request) {
    LET(const std::string config, load_config(found.directory.number()));
    LET(spec::Spec spec, spec::parse(config));
    LET(spec.process, wanted_process(request, std::move(spec.process).value_or(spec::process_that_waits())));
    auto valid = spec::validate(std::move(spec));
    if (!valid) valid.error().text = renamed(std::move(valid.error().text), request.process_file);
    return valid;
}

std::vector<std::string> warnings_of(const spec::ValidSpec& spec, const plan::HostFacts& host,
                                     const std::string& process_file) {
    std::vector<std::string> warnings = spec.warnings();
    std::ranges::move(process::capability_warnings(spec, host), std::back_inserter(warnings));
    for (std::string& each : warnings) each = renamed(std::move(each), process_file);
    return warnings;
}

Result<> check_cgroup(const ExecRequest& request, const State& state) {
    if (request.cgroup.empty() || !state.cgroup_path.empty()) return {};
    return fail(Kind::usage, "--cgroup ", quoted(request.cgroup), ": container ", state.id, " has no cgroup");
}

Result<ExecOptions> options_of(const Site& site, const ExecRequest& request, const Found& found,
                               const spec::ValidSpec& spec) {
    ExecOptions options{.pid_file = {},
                        .console_socket = {},
                        .pidfd_socket = {},
                        .cgroup = request.cgroup,
                        .has_cgroup = !found.state.cgroup_path.empty(),
                        .otherwise = birthplaces(!found.state.unit.name.empty(), found.state.cgroup_optional,
                                                 !request.cgroup.empty()),
                        .preserve_fds = request.preserve_fds,
                        .new_keyring = found.state.new_keyring,
                        .filter = {},
                        .status = std::string(lifecycle::word(found.status)),
                        .rdt = rdt_entry(found.state)};
    LET(options.pid_file, writable_if_given("--pid-file", request.pid_file));
    TRY(writable_if_given("--trace", request.trace_file));
    LET(options.console_socket, absolute_if_given(request.console_socket));
    LET(options.pidfd_socket, absolute_if_given(request.pidfd_socket));
    LET(options.namespaces, namespaces::foreign_namespaces(found.state.pid));
    // Any program can make a user namespace for itself. If the container has none of its own, its ids are the
    // runtime's.
    if ((namespaces::types_of(spec) & CLONE_NEWUSER) == 0)
        options.namespaces &= ~std::uint64_t{CLONE_NEWUSER};
    LET(options.filter, cached_filter(site, spec));
    return options;
}

}  // namespace

Result<Made> exec(const Site& site, const ExecRequest& request) {
    const std::uint64_t begin = sys::monotonic_ns();
    TRY(check_descriptors(0, request.preserve_fds));
    LET(Found found, find_locked(site, request.id));
    const auto rule = lifecycle::rule(found.status, lifecycle::Verb::exec, request.ignore_paused);
    if (lifecycle::refuses(rule)) return refusal(rule, request.id, found.status);
    TRY(check_cgroup(request, found.state));
    LET(const spec::ValidSpec spec, spec_of(found, request));
    TRY(check_terminal(spec.process().terminal, request.detach, !request.console_socket.empty()));
    LET(plan::HostFacts host, probe_kernel());
    if (!request.detach) look_at_caller_size(host);
    LET(const ExecOptions options, options_of(site, request, found, spec));
    LET(const plan::Timeline timeline, compile_exec(options, spec, host));
    std::optional<SignalWatch> watch;
    if (!request.detach) {
        LET(watch, SignalWatch::start(false));
    }
    if (request.detach) sys::hold_interrupts();  // what is begun is brought to an end, or undone
    ExecutionContext context;
    context.stage.awaits_thaw = found.status == lifecycle::Status::paused;
    context.record.state = std::move(found.state);
    context.record.directory = std::move(found.directory);
    context.walk.fault = request.fault;
    context.walk.traced = !request.trace_file.empty();
    StdioRelay stdio;
    if (watch && !spec.process().terminal) TRY(stdio.begin());
    const auto done = walk(timeline, context);
    context.control.systemd.reset();  // not needed any more, and the program may run for days
    stdio.restore();
    TRY(done);
    Made made{.warnings = warnings_of(spec, host, request.process_file)};
    std::ranges::move(write_trace(request.trace_file, timeline, context.walk, begin),
                      std::back_inserter(made.warnings));
    if (!watch) return made;
    ReadinessRelay nobody;
    LET(made.exit_status,
        attend(*watch, context.stage.pid, context.stage.process, context.streams.terminal, stdio, nobody));
    return made;
}

}  // namespace bulkhead::runtime
