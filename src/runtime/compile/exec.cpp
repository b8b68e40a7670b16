// SPDX-License-Identifier: Apache-2.0
// The birth of a further process in a container, in order. It is one process until nothing is left to be
// given up, and only its copy is born where the container's inhabitants can see it (CVE-2016-9962).
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

struct Ground {
    plan::FindInit init;
    plan::Slot handshake;
    HookStreams streams;
};

bool notifies(const ExecBlueprint& blueprint) { return blueprint.filter && blueprint.filter->notifies; }

bool respawns(const ExecBlueprint& blueprint) { return (blueprint.namespaces & CLONE_NEWPID) != 0; }

// Between birth and permission: somebody is to be told the pid, or something only the host can do to the
// process is left. A copy that the host does not know yet could not be ended any more.
bool has_announcement(const ExecBlueprint& blueprint, const spec::Process& process) {
    return respawns(blueprint) || !blueprint.console_socket.empty() || !blueprint.pidfd_socket.empty() ||
           process.oom_score_adj;
}

// Born in the container's cgroup, on the CPUs of execCPUAffinity.initial.
Result<Ground> plan_ground(TimelineBuilder& timeline, const ExecBlueprint& blueprint,
                           const spec::ValidSpec& spec) {
    Ground ground{};
    if (blueprint.hook) ground.streams = plan_hook_streams(timeline);
    ground.init.process = timeline.slot();
    ground.init.of_children = namespaces::namespaces_of_children(timeline, spec, false);
    if (!has_mount_namespace(spec)) ground.init.root = timeline.slot();
    timeline.host(ground.init);
    if (blueprint.has_cgroup) timeline.host(plan::FindCgroup{blueprint.cgroup});
    if (notifies(blueprint)) {
        ground.handshake = timeline.slot();
        timeline.host(plan::MakeHandshake{ground.handshake}, "/linux/seccomp");
    }
    plan::Spawn spawn{.otherwise = blueprint.otherwise};
    if (const auto& affinity = spec.process().exec_cpu_affinity) {
        LET(spawn.cpus, process::cpu_mask(affinity->initial, "/process/execCPUAffinity/initial"));
    }
    timeline.host(std::move(spawn));
    if (!blueprint.hook) timeline.host(plan::ReleaseContainer{});
    return ground;
}

// Into all namespaces at once. A user namespace may deny to drop groups, so it is done before.
void plan_entry(TimelineBuilder& timeline, const ExecBlueprint& blueprint, const spec::ValidSpec& spec,
                const plan::HostFacts& host, const Ground& ground) {
    timeline.init(plan::MarkDescriptors{stdio + blueprint.preserve_fds});
    timeline.init(plan::ResetSignals{});
    if (blueprint.hook) timeline.init(plan::TakeStdio{ground.streams.input, ground.streams.output});
    if (process::needs_procfs(spec)) timeline.init(plan::OpenProcfs{1});
    if (blueprint.new_keyring) process::plan_keyring(timeline, spec);
    namespaces::plan_container_entry(timeline, spec, host, ground.init, blueprint.namespaces);
    if (ground.init.root) rootfs::plan_shared_root(timeline, *ground.init.root);
}

// The permission, behind what has to hold before anything of the program runs.
void plan_go(TimelineBuilder& timeline, const ExecBlueprint& blueprint) {
    if (blueprint.rdt) timeline.host(*blueprint.rdt, "/linux/intelRdt");
    timeline.host(plan::SendGo{});
}

// What the caller asked to be told, and the permission.
void plan_announcement(TimelineBuilder& timeline, const ExecBlueprint& blueprint,
                       const spec::Process& process) {
    if (process.oom_score_adj)
        timeline.host(plan::SetOomScore{*process.oom_score_adj}, "/process/oomScoreAdj");
    if (!blueprint.console_socket.empty()) {
        // Here nobody holds the container's lock any more: a listener with a full queue holds up only us.
        timeline.host(plan::ConnectConsole{blueprint.console_socket});
        timeline.host(plan::SendConsole{});
    }
    if (!blueprint.pidfd_socket.empty()) timeline.host(plan::SendPidfd{blueprint.pidfd_socket, "setns"});
    plan_go(timeline, blueprint);
}

Result<> plan_policy(TimelineBuilder& timeline, const ExecBlueprint& blueprint, const spec::ValidSpec& spec,
                     const plan::HostFacts& host) {
    const auto& affinity = spec.process().exec_cpu_affinity;
    TRY(process::plan_affinity(timeline, affinity ? std::optional(affinity->final) : std::nullopt));
    return process::plan_credentials(timeline, spec, host,
                                     {.groups_denied = namespaces::denies_groups(spec, host),
                                      .filter_follows = blueprint.filter.has_value()});
}

// The process that the inhabitants can see holds no more than the program.
void plan_birth(TimelineBuilder& timeline, const ExecBlueprint& blueprint, const spec::ValidSpec& spec) {
    timeline.init(plan::CloseDescriptors{stdio + blueprint.preserve_fds});
    if (respawns(blueprint)) {
        timeline.init(plan::Respawn{});
        timeline.host(plan::AwaitRespawn{});
    }
    if (has_announcement(blueprint, spec.process())) plan_announcement(timeline, blueprint, spec.process());
    timeline.init(plan::StartSession{});
    if (spec.process().terminal && !blueprint.hook) timeline.init(plan::ClaimTerminal{}, "/process/terminal");
    timeline.init(plan::AwaitGo{});
    if (blueprint.hook) timeline.init(plan::DieWithHost{});
}

// Working directory, limits, and what is known of the environment.
process::Surroundings plan_surroundings(TimelineBuilder& timeline, const ExecBlueprint& blueprint,
                                        const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!blueprint.hook) {
        rootfs::plan_joined_stdio(timeline, spec, host);
        return process::plan_surroundings(timeline, spec);
    }
    process::plan_hook_surroundings(timeline, spec);
    return {};
}

plan::Execute plan_program(TimelineBuilder& timeline, const ExecBlueprint& blueprint,
                           const spec::ValidSpec& spec, const process::Surroundings& found) {
    if (!blueprint.hook) return process::plan_search(timeline, spec, found);
    return process::plan_hook_program(timeline, blueprint.hook->path, blueprint.hook->args,
                                      blueprint.hook->env, blueprint.hook->pointer);
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

Result<plan::Timeline> compile_exec(const ExecBlueprint& blueprint, const spec::ValidSpec& spec,
                                    const plan::HostFacts& host) {
    TimelineBuilder timeline;
    LET(const Ground ground, plan_ground(timeline, blueprint, spec));
    // Nothing to wait for: a stage that comes to its wait finds the message there.
    if (!has_announcement(blueprint, spec.process())) plan_go(timeline, blueprint);
    plan_entry(timeline, blueprint, spec, host, ground);
    const process::Surroundings found = plan_surroundings(timeline, blueprint, spec, host);
    TRY(plan_policy(timeline, blueprint, spec, host));
    if (notifies(blueprint)) seccomp::plan_handshake(timeline, ground.handshake);
    plan_birth(timeline, blueprint, spec);
    const plan::Execute execute = plan_program(timeline, blueprint, spec, found);
    timeline.init(plan::ReportExecution{});
    if (notifies(blueprint))
        seccomp::plan_listener(timeline, *blueprint.filter, *spec->linux.seccomp, blueprint.status);
    else if (blueprint.filter)
        seccomp::plan_filter(timeline, *blueprint.filter);
    timeline.init(execute, blueprint.hook ? blueprint.hook->pointer : "/process/args");
    timeline.host(plan::AwaitExecution{});
    // Whoever is named there has begun, and a caller may kill it; an exec that fails leaves the file alone.
    if (!blueprint.pid_file.empty()) timeline.host(plan::WritePidFile{blueprint.pid_file});
    return std::move(timeline).finish();
}

}  // namespace bulkhead::runtime
