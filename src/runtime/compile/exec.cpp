// SPDX-License-Identifier: Apache-2.0
// The birth of a further process in a container, in order. The process gives up everything first. Then its
// copy is born in the pid namespace where the container's processes can see it (CVE-2016-9962).
#include <linux/sched.h>

#include "namespaces/plan.hpp"
#include "process/plan.hpp"
#include "rootfs/plan.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/compile/hook.hpp"
#include "seccomp/plan.hpp"

namespace bulkhead::runtime {

using plan::TimelineBuilder;

namespace {

constexpr std::uint32_t stdio = 3;  // descriptors 0 to 2

struct ExecInputs {
    plan::FindInit init;
    plan::Slot handshake;
    HookStreams streams;
};

bool notifies(const ExecOptions& options) { return options.filter && options.filter->notifies; }

bool respawns(const ExecOptions& options) { return (options.namespaces & CLONE_NEWPID) != 0; }

// True if the host has something to do between birth and permission: to tell somebody the pid, or to change
// the process as only the host can. It must know the copy's pid then, because it could not end an unknown
// copy.
bool has_announcement(const ExecOptions& options, const spec::Process& process) {
    return respawns(options) || !options.console_socket.empty() || !options.pidfd_socket.empty() ||
           process.oom_score_adj;
}

// Born in the container's cgroup, on the CPUs of execCPUAffinity.initial.
Result<ExecInputs> plan_inputs(TimelineBuilder& timeline, const ExecOptions& options,
                               const spec::ValidSpec& spec) {
    ExecInputs inputs{};
    if (options.hook) inputs.streams = plan_hook_streams(timeline);
    inputs.init.process = timeline.slot();
    inputs.init.of_children = namespaces::namespaces_of_children(timeline, spec, false);
    if (!has_mount_namespace(spec)) inputs.init.root = timeline.slot();
    timeline.host(inputs.init);
    if (options.has_cgroup) timeline.host(plan::FindCgroup{options.cgroup});
    if (notifies(options)) {
        inputs.handshake = timeline.slot();
        timeline.host(plan::MakeHandshake{inputs.handshake}, "/linux/seccomp");
    }
    plan::Spawn spawn{.otherwise = options.otherwise};
    if (const auto& affinity = spec.process().exec_cpu_affinity) {
        LET(spawn.cpus, process::cpu_mask(affinity->initial, "/process/execCPUAffinity/initial"));
    }
    timeline.host(std::move(spawn));
    if (!options.hook) timeline.host(plan::ReleaseContainer{});
    return inputs;
}

// Enters all namespaces at once. A user namespace may forbid to drop groups, so the stage drops them before.
void plan_entry(TimelineBuilder& timeline, const ExecOptions& options, const spec::ValidSpec& spec,
                const plan::HostFacts& host, const ExecInputs& inputs) {
    timeline.init(plan::MarkDescriptors{stdio + options.preserve_fds});
    timeline.init(plan::ResetSignals{});
    if (options.hook) timeline.init(plan::TakeStdio{inputs.streams.input, inputs.streams.output});
    if (process::needs_procfs(spec)) timeline.init(plan::OpenProcfs{1});
    if (options.new_keyring) process::plan_keyring(timeline, spec);
    namespaces::plan_container_entry(timeline, spec, host, inputs.init, options.namespaces);
    if (inputs.init.root) rootfs::plan_shared_root(timeline, *inputs.init.root);
}

// Gives the permission, after everything that must be in force before the program runs.
void plan_go(TimelineBuilder& timeline, const ExecOptions& options) {
    if (options.rdt) timeline.host(*options.rdt, "/linux/intelRdt");
    timeline.host(plan::SendGo{});
}

// Tells the caller what it asked for, and gives the permission.
void plan_announcement(TimelineBuilder& timeline, const ExecOptions& options, const spec::Process& process) {
    if (process.oom_score_adj)
        timeline.host(plan::SetOomScore{*process.oom_score_adj}, "/process/oomScoreAdj");
    if (!options.console_socket.empty()) {
        // Nobody holds the container's lock any more here, so a listener with a full queue holds up only us.
        timeline.host(plan::ConnectConsole{options.console_socket});
        timeline.host(plan::SendConsole{});
    }
    if (!options.pidfd_socket.empty()) timeline.host(plan::SendPidfd{options.pidfd_socket, "setns"});
    plan_go(timeline, options);
}

Result<> plan_policy(TimelineBuilder& timeline, const ExecOptions& options, const spec::ValidSpec& spec,
                     const plan::HostFacts& host) {
    const auto& affinity = spec.process().exec_cpu_affinity;
    TRY(process::plan_affinity(timeline, affinity ? std::optional(affinity->final) : std::nullopt));
    return process::plan_credentials(timeline, spec, host,
                                     {.groups_denied = namespaces::denies_groups(spec, host),
                                      .filter_follows = options.filter.has_value()});
}

// The process that the container's processes can see has no more rights than the program.
void plan_birth(TimelineBuilder& timeline, const ExecOptions& options, const spec::ValidSpec& spec) {
    timeline.init(plan::CloseDescriptors{stdio + options.preserve_fds});
    if (respawns(options)) {
        timeline.init(plan::Respawn{});
        timeline.host(plan::AwaitRespawn{});
    }
    if (has_announcement(options, spec.process())) plan_announcement(timeline, options, spec.process());
    timeline.init(plan::StartSession{});
    if (spec.process().terminal && !options.hook) timeline.init(plan::ClaimTerminal{}, "/process/terminal");
    timeline.init(plan::AwaitGo{});
    if (options.hook) timeline.init(plan::DieWithHost{});
}

// Working directory, limits and environment.
process::ProcessEnvironment plan_environment(TimelineBuilder& timeline, const ExecOptions& options,
                                             const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!options.hook) {
        rootfs::plan_joined_stdio(timeline, spec, host);
        return process::plan_environment(timeline, spec);
    }
    process::plan_hook_environment(timeline, spec);
    return {};
}

plan::Execute plan_program(TimelineBuilder& timeline, const ExecOptions& options, const spec::ValidSpec& spec,
                           const process::ProcessEnvironment& found) {
    if (!options.hook) return process::plan_search(timeline, spec, found);
    return process::plan_hook_program(timeline, options.hook->path, options.hook->args, options.hook->env,
                                      options.hook->pointer);
}

}  // namespace

std::vector<plan::Birthplace> birthplaces(bool systemd, bool optional, bool named) {
    std::vector<plan::Birthplace> places;
    if (systemd) places.push_back(plan::Birthplace::of_systemd);
    if (!named) places.push_back(plan::Birthplace::of_init);
    if (optional && !systemd) places.push_back(plan::Birthplace::of_runtime);
    return places;
}

std::optional<plan::JoinRdtGroup> rdt_entry(const State& state) {
    if (state.rdt.mount.empty()) return std::nullopt;
    return plan::JoinRdtGroup{state.rdt.mount, state.rdt.path, state.rdt.monitoring};
}

Result<plan::Timeline> compile_exec(const ExecOptions& options, const spec::ValidSpec& spec,
                                    const plan::HostFacts& host) {
    TimelineBuilder timeline;
    LET(const ExecInputs inputs, plan_inputs(timeline, options, spec));
    // Sends the permission at once if the host has nothing else to do; the stage finds it when it comes to
    // its wait.
    if (!has_announcement(options, spec.process())) plan_go(timeline, options);
    plan_entry(timeline, options, spec, host, inputs);
    const process::ProcessEnvironment found = plan_environment(timeline, options, spec, host);
    TRY(plan_policy(timeline, options, spec, host));
    if (notifies(options)) seccomp::plan_handshake(timeline, inputs.handshake);
    plan_birth(timeline, options, spec);
    const plan::Execute execute = plan_program(timeline, options, spec, found);
    timeline.init(plan::ReportExecution{});
    if (notifies(options))
        seccomp::plan_listener(timeline, *options.filter, *spec->linux.seccomp, options.status);
    else if (options.filter)
        seccomp::plan_filter(timeline, *options.filter);
    timeline.init(execute, options.hook ? options.hook->pointer : "/process/args");
    timeline.host(plan::AwaitExecution{});
    // Writes the pid file last, because a caller may kill the process that it names. A failed exec does not
    // touch the file.
    if (!options.pid_file.empty()) timeline.host(plan::WritePidFile{options.pid_file});
    return std::move(timeline).finish();
}

}  // namespace bulkhead::runtime
