// SPDX-License-Identifier: Apache-2.0
// RunHooks: each hook is born by a timeline of its own and watched over until it ends.
#include "runtime/steps/hooks.hpp"

#include <fcntl.h>

#include <array>

#include "base/sys.hpp"
#include "runtime/record/oci_state.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/reports.hpp"
#include "runtime/steps/supervise.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {

namespace {

// The pid namespace whose pid stands in the state: that in which the hook runs.
enum class Count : std::uint8_t { host, container, none };

struct Row {
    const char* status;  // of the container (runtime.md, "Lifecycle")
    Count count;
};
constexpr std::array rows{
    Row{"creating", Count::host},       // prestart
    Row{"creating", Count::host},       // createRuntime
    Row{"creating", Count::container},  // createContainer
    Row{"created", Count::container},   // startContainer
    Row{"running", Count::host},        // poststart
    Row{"stopped", Count::none},        // poststop
};

pid_t counted(pid_t pid, Count count) {
    if (count == Count::none) return 0;
    return count == Count::host ? pid : pid_inside(pid);
}

std::string state_for(const State& state, plan::HookKind kind) {
    const Row& row = rows[static_cast<std::size_t>(kind)];
    return oci_state(state, row.status, counted(state.pid, row.count));
}

// ", stdout and stderr: ..."; its lines on one.
std::string output_words(const Supervised& hook) {
    constexpr std::size_t limit = 4 * Supervised::output_limit;  // all of it, even if every byte is escaped
    std::string text;
    std::string_view rest = hook.output;
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    if (rest.empty()) return text;
    for (const std::string_view line : split(rest, '\n'))
        text.append(text.empty() ? "" : "\\n").append(quotable(line, limit));
    return cat(", stdout and stderr: ", hook.cut ? "..." : "", text);
}

// In runc's words, if it has any.
Result<> verdict(const Supervised& hook, std::optional<std::int64_t> timeout_s) {
    if (!hook.in_time)
        return fail(Kind::kernel, "hook ran past specified timeout of ", *timeout_s, " s", output_words(hook),
                    hook.left.empty() ? "" : "; ", hook.left);
    if (!hook.left.empty()) return fail(Kind::kernel, hook.left, output_words(hook));
    if (hook.ending.by_signal)
        return fail(Kind::kernel, "killed by signal ", hook.ending.value, output_words(hook));
    if (hook.ending.value != 0)
        return fail(Kind::kernel, "exit status ", hook.ending.value, output_words(hook));
    return {};
}

// Removes the words about the container process, with which the stage's errors begin for a hook's program as
// well.
Error of_hook(Error error) {
    if (error.text.starts_with(start_failed)) error.text.erase(0, start_failed.size());
    return error;
}

Result<> run_hook(const State& state, plan::HookKind kind, const plan::Hook& hook) {
    ExecutionContext context;
    context.record.state = state;
    context.streams.hook_input = state_for(state, kind);
    auto begun = walk(*hook.timeline, context);
    if (!begun) return std::unexpected(of_hook(std::move(begun).error()));
    context.host.slots.clear();  // the other end of its pipe among them
    LET(const Supervised ended,
        supervise(context.stage.pid, context.stage.process, context.streams.hook_output, hook.timeout_s));
    return verdict(ended, hook.timeout_s);
}

}  // namespace

// The input is a complete, sealed file, so that a hook that does not read it holds nobody up, and one that
// writes to it changes nothing.
Result<> apply(const plan::MakeHookStreams& op, HostResources& host, Streams& streams) {
    LET(Fd input, sys::memory_file("state", false));
    TRY(sys::write_at(input.number(), streams.hook_input, 0));
    TRY(sys::seal(input.number(), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
    LET(sys::Pipe pipe, sys::pipe());
    host.slots[op.input.index] = std::move(input);
    host.slots[op.output.index] = std::move(pipe.writer);
    streams.hook_output = std::move(pipe.reader);
    return {};
}

Result<> apply(const plan::RunHooks& op, const ContainerRecord& record, StageProcess& stage, Walk& walk) {
    walk.hooks_began = true;
    for (std::size_t i = 0; i < op.hooks.size(); ++i) {
        const plan::Hook& hook = op.hooks[i];
        auto done = run_hook(record.state, op.kind, hook);
        if (done) continue;
        Error error =
            std::move(done).error().under(cat("error running ", word(op.kind), " hook #", i, ": ",
                                              quotable(hook.path), " (/hooks/", word(op.kind), '/', i, ')'));
        if (op.kind != plan::HookKind::poststop) return std::unexpected(std::move(error));
        walk.warnings.push_back(std::move(error).text);
    }
    stage.endurance.renew();  // the time of the hooks does not count for the process that waits for them
    return {};
}

Result<std::vector<std::string>> run_hooks(const plan::Timeline& timeline, const State& state) {
    ExecutionContext context;
    context.record.state = state;
    TRY(walk(timeline, context));
    return std::move(context.walk.warnings);
}

}  // namespace bulkhead::runtime
