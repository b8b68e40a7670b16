// SPDX-License-Identifier: Apache-2.0
#include "runtime/compile/hook.hpp"

#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <utility>

#include "namespaces/plan.hpp"
#include "process/plan.hpp"

namespace bulkhead::runtime {

using plan::HookKind;
using plan::TimelineBuilder;

namespace {

constexpr std::uint32_t stdio = 3;  // descriptors 0 to 2
constexpr std::uint32_t usual_umask = 0022;

using List = std::vector<spec::Hook>;
constexpr std::array lists{&spec::Hooks::prestart,         &spec::Hooks::create_runtime,
                           &spec::Hooks::create_container, &spec::Hooks::start_container,
                           &spec::Hooks::poststart,        &spec::Hooks::poststop};

const List& list_of(const spec::ValidSpec& spec, HookKind kind) {
    return spec->hooks.*lists[static_cast<std::size_t>(kind)];
}

// The process drops what it has of its caller, but keeps its rights.
void plan_clean_start(TimelineBuilder& timeline, const HookStreams& streams) {
    timeline.init(plan::MarkDescriptors{stdio});
    timeline.init(plan::ResetSignals{});
    timeline.init(plan::TakeStdio{streams.input, streams.output});
    timeline.init(plan::SetUmask{usual_umask});
}

// The hook gets a session of its own, so that the timeout kills its group and nobody else's.
Result<plan::Timeline> finish(TimelineBuilder timeline, const std::string& directory,
                              const HookProgram& hook) {
    timeline.init(plan::StartSession{});
    timeline.init(plan::EnterDirectory{timeline.text(directory)}, hook.pointer);
    timeline.init(plan::CloseDescriptors{stdio});
    timeline.init(plan::DieWithHost{});
    const plan::Execute execute =
        process::plan_hook_program(timeline, hook.path, hook.args, hook.env, hook.pointer);
    timeline.init(plan::ReportExecution{});
    timeline.init(execute, hook.pointer);
    timeline.host(plan::AwaitExecution{});
    return std::move(timeline).finish();
}

// In the runtime's namespaces, in its cgroup, with its rights.
Result<plan::Timeline> compile_outside(const HookOptions& options, const HookProgram& hook) {
    TimelineBuilder timeline;
    const HookStreams streams = plan_hook_streams(timeline);
    timeline.host(plan::Spawn{});
    plan_clean_start(timeline, streams);
    return finish(std::move(timeline), options.bundle, hook);
}

// In the container's namespaces, with all rights of the stage. The stage waits meanwhile, before the root
// changes: a process that joins its mount namespace lands on the host's root.
Result<plan::Timeline> compile_inside(const HookOptions& options, const spec::ValidSpec& spec,
                                      const plan::HostFacts& host, const HookProgram& hook) {
    TimelineBuilder timeline;
    const HookStreams streams = plan_hook_streams(timeline);
    const bool unborn = namespaces::birth_of(spec, host) == namespaces::Birth::late;
    plan::FindInit init{timeline.slot()};
    init.of_children = namespaces::namespaces_of_children(timeline, spec, unborn);
    timeline.host(init);
    if (options.has_cgroup) timeline.host(plan::FindCgroup{});
    timeline.host(plan::Spawn{.otherwise = options.otherwise});
    if (options.rdt) {
        timeline.host(*options.rdt, "/linux/intelRdt");
        timeline.host(plan::SendGo{});
        timeline.init(plan::AwaitGo{});
    }
    plan_clean_start(timeline, streams);
    const std::uint64_t types = namespaces::types_of(spec);
    namespaces::plan_container_entry(timeline, spec, host, init, types);
    if ((types & CLONE_NEWPID) != 0) {
        timeline.init(plan::Respawn{});
        timeline.host(plan::AwaitRespawn{});
    }
    return finish(std::move(timeline), options.root, hook);
}

// In the container, held to the policy of its process.
Result<plan::Timeline> compile_as_process(const HookOptions& options, const spec::ValidSpec& spec,
                                          const plan::HostFacts& host, HookProgram hook) {
    return compile_exec({.pid_file = {},
                         .console_socket = {},
                         .pidfd_socket = {},
                         .cgroup = {},
                         .has_cgroup = options.has_cgroup,
                         .otherwise = options.otherwise,
                         .new_keyring = options.new_keyring,
                         .namespaces = namespaces::types_of(spec),
                         .filter = options.filter,
                         .status = "created",
                         .rdt = options.rdt,
                         .hook = std::move(hook)},
                        spec, host);
}

Result<plan::Timeline> compile_one(HookKind kind, const HookOptions& options, const spec::ValidSpec& spec,
                                   const plan::HostFacts& host, HookProgram hook) {
    if (kind == HookKind::create_container) return compile_inside(options, spec, host, hook);
    if (kind == HookKind::start_container) return compile_as_process(options, spec, host, std::move(hook));
    return compile_outside(options, hook);
}

}  // namespace

bool has_hooks(const spec::ValidSpec& spec, HookKind kind) { return !list_of(spec, kind).empty(); }

bool has_early_hooks(const spec::ValidSpec& spec) {
    constexpr std::array kinds{HookKind::prestart, HookKind::create_runtime, HookKind::create_container};
    return std::ranges::any_of(kinds, [&](HookKind kind) { return has_hooks(spec, kind); });
}

bool has_later_hooks(const spec::ValidSpec& spec) {
    constexpr std::array kinds{HookKind::start_container, HookKind::poststart, HookKind::poststop};
    return std::ranges::any_of(kinds, [&](HookKind kind) { return has_hooks(spec, kind); });
}

Result<plan::RunHooks> compile_hooks(HookKind kind, const HookOptions& options, const spec::ValidSpec& spec,
                                     const plan::HostFacts& host) {
    plan::RunHooks run{kind, {}};
    for (const spec::Hook& each : list_of(spec, kind)) {
        HookProgram program{each.path, each.args, each.env.value_or(std::vector<std::string>()),
                            cat("/hooks/", word(kind), '/', run.hooks.size())};
        LET(plan::Timeline timeline, compile_one(kind, options, spec, host, std::move(program)));
        run.hooks.push_back(
            {each.path, std::make_shared<const plan::Timeline>(std::move(timeline)), each.timeout});
    }
    return run;
}

Result<plan::Timeline> compile_hook_run(HookKind kind, const HookOptions& options,
                                        const spec::ValidSpec& spec, const plan::HostFacts& host) {
    TimelineBuilder timeline;
    if (has_hooks(spec, kind)) {
        LET(plan::RunHooks run, compile_hooks(kind, options, spec, host));
        timeline.host(std::move(run), cat("/hooks/", word(kind)));
    }
    return std::move(timeline).finish();
}

HookStreams plan_hook_streams(TimelineBuilder& timeline) {
    const HookStreams streams{timeline.slot(), timeline.slot()};
    timeline.host(plan::MakeHookStreams{streams.input, streams.output});
    return streams;
}

}  // namespace bulkhead::runtime
