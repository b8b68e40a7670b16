// SPDX-License-Identifier: Apache-2.0
// create, run and explain.
#include <algorithm>
#include <iterator>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "runtime/attached/attend.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/attached/stdio_relay.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/prepare.hpp"
#include "runtime/steps/hooks.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {

namespace {

// The walker has undone the creation that failed. Its poststop hooks end what its other hooks began.
Error after_hooks(Error error, const PreparedCreate& prepared, const ExecutionContext& context) {
    if (!context.walk.hooks_began) return error;
    return with_warnings(std::move(error), run_poststop(prepared.end, context.record.state));
}

// Walks the creation; the context then holds the new container.
Result<ExecutionContext> make(const Site& site, PreparedCreate& prepared, const CreateRequest& request) {
    LET(const Fd root, make_root(site));
    ExecutionContext context;
    LET(context.record.state, first_state(prepared));
    if (prepared.driver) context.control.systemd.emplace(std::move(prepared.driver->systemd));
    context.record.config = prepared.bundle.text;
    context.walk.fault = request.fault;
    context.walk.traced = !request.trace_file.empty();
    if (auto done = walk(prepared.timeline, context); !done)
        return std::unexpected(after_hooks(std::move(done).error(), prepared, context));
    context.host.devices.clear();  // the creation is done, so nothing will undo it
    context.control.systemd.reset();
    context.host.slots
        .clear();  // closes our copy of the notify socket, so that a writer to nobody gets an error
    return context;
}

// The caller's service manager, if there is one to be told that the container is ready.
Result<ReadinessRelay> listener_of(const CreateRequest& request) {
    return request.notify_socket.empty() ? Result<ReadinessRelay>(ReadinessRelay())
                                         : ReadinessRelay::to(request.notify_socket);
}

// `run` removes the container that it made, with the descriptors that it has, unless another command did so
// meanwhile. If the container has a pid namespace of its own, everything in it ended with init. Returns the
// warnings of poststop hooks.
Result<std::vector<std::string>> clear(const PreparedCreate& prepared, ExecutionContext& context) {
    TRY(lock_container(context.record.directory, context.record.state.id));
    LET(const struct stat status, sys::status_of(context.record.directory.number()));
    if (status.st_nlink == 0) return std::vector<std::string>();
    LET(const plan::Timeline timeline,
        compile_removal(prepared.options.state_directory, !context.record.state.private_pids,
                        context.record.state));
    context.walk.fault = {};
    TRY(walk(timeline, context));
    std::ranges::move(run_poststop(prepared.end, context.record.state),
                      std::back_inserter(context.walk.warnings));
    return std::move(context.walk.warnings);
}

}  // namespace

Result<Made> create(const Site& site, const CreateRequest& request) {
    LET(PreparedCreate prepared, prepare(site, request, Mode::create));
    sys::hold_interrupts();  // what is begun is brought to an end, or undone
    TRY(make(site, prepared, request));
    return Made{.warnings = warnings_of(prepared)};
}

Result<Made> run(const Site& site, const CreateRequest& request) {
    const std::uint64_t begin = sys::monotonic_ns();
    LET(PreparedCreate prepared, prepare(site, request, Mode::run));
    std::optional<SignalWatch> watch;
    if (!request.detach) {
        LET(watch, SignalWatch::start(!request.no_subreaper));
    } else {
        sys::hold_interrupts();
    }
    LET(ReadinessRelay readiness, listener_of(request));
    StdioRelay stdio;
    if (watch && !prepared.bundle.spec.process().terminal) TRY(stdio.begin());
    auto made_one = make(site, prepared, request);
    stdio.restore();
    LET(ExecutionContext context, std::move(made_one));
    if (auto ran = run_hooks(prepared.poststart, context.record.state); !ran)
        return std::unexpected(
            discard(site, context.record.state, std::move(context.record.directory), std::move(ran).error()));
    readiness.listen(std::move(context.streams.notify));
    Made made{.warnings = warnings_of(prepared)};
    std::ranges::move(write_trace(request.trace_file, prepared.timeline, context.walk, begin),
                      std::back_inserter(made.warnings));
    if (watch) {
        const auto status = attend(*watch, context.stage.pid, context.stage.process, context.streams.terminal,
                                   stdio, readiness);
        if (!status) {
            (void)remove(site, request.id, true);
            return std::unexpected(status.error());
        }
        made.exit_status = *status;
    }
    if (watch && !request.keep) {
        LET(const std::vector<std::string> failed, clear(prepared, context));
        made.warnings.insert(made.warnings.end(), failed.begin(), failed.end());
    }
    if (watch) return made;
    sys::release_interrupts();
    // The container runs. A failure to announce that is a warning and ends nothing.
    if (auto told = readiness.until_done(context.stage.process, context.stage.pid); !told)
        made.warnings.push_back(told.error().text);
    return made;
}

Result<plan::Timeline> explain(const Site& site, const CreateRequest& request) {
    LET(PreparedCreate prepared, prepare(site, request, Mode::explain));
    return std::move(prepared.timeline);
}

}  // namespace bulkhead::runtime
