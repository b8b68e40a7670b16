// SPDX-License-Identifier: Apache-2.0
#include "runtime/compile.hpp"

#include <algorithm>

#include "cgroups/controllers.hpp"
#include "cgroups/path.hpp"
#include "cgroups/plan_delegation.hpp"
#include "cgroups/plan_devices.hpp"
#include "cgroups/plan_resctrl.hpp"
#include "cgroups/resources.hpp"
#include "cgroups/unit.hpp"
#include "cgroups/unit_properties.hpp"
#include "namespaces/plan.hpp"
#include "namespaces/sysctl.hpp"
#include "process/plan.hpp"
#include "rootfs/plan.hpp"
#include "runtime/compile_hook.hpp"
#include "seccomp/plan.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::runtime {

using plan::TimelineBuilder;

namespace {

constexpr std::uint32_t stdio = 3;  // descriptors 0 to 2

// What a planner of a later step needs of an earlier one.
struct Ground {
    namespaces::Joins joins;
    rootfs::Places places;
    rootfs::Trees trees;
    plan::Slot fifo;
    std::optional<plan::Slot> notify;
    plan::Slot handshake;
    HookBlueprint hooks;
    std::vector<plan::Birthplace> otherwise;
    std::optional<plan::JoinRdtGroup> rdt;
};

// Rootless callers, and root in a user namespace: without the permission to make cgroups there is none, as
// with runc, unless one was named, has limits, or shall be made by systemd. What is no limit asks for none.
bool may_go_without_cgroup(const Blueprint& blueprint, const spec::ValidSpec& spec) {
    if (blueprint.systemd) return false;
    const auto settings = cgroups::settings_of(spec->linux.resources);
    return blueprint.cgroup_optional && spec->linux.cgroups_path.empty() && settings &&
           std::ranges::all_of(*settings, &plan::CgroupSetting::may_lack);
}

void plan_limits(TimelineBuilder& timeline, const std::string& mount, const std::string& path,
                 std::vector<plan::CgroupSetting> settings) {
    timeline.host(plan::RecordCgroup{});
    timeline.host(plan::EnableControllers{mount, path, cgroups::controllers_of(settings)},
                  "/linux/resources");
    if (!settings.empty()) timeline.host(plan::LimitCgroup{std::move(settings)}, "/linux/resources");
}

// The container's cgroup with its limits, for the first process to be born into.
Result<> plan_cgroup(TimelineBuilder& timeline, const Blueprint& blueprint, const spec::ValidSpec& spec,
                     const plan::HostFacts& host, const std::string& path) {
    LET(auto settings, cgroups::settings_of(spec->linux.resources));
    timeline.host(plan::MakeCgroup{host.cgroup_mount, path, may_go_without_cgroup(blueprint, spec)},
                  "/linux/cgroupsPath");
    plan_limits(timeline, host.cgroup_mount, path, std::move(settings));
    cgroups::plan_delegation(timeline, spec, host);
    return {};
}

// The same by systemd, which makes no scope without a process and ends it when it has none. So the
// container's own is the first in it: it has been cloned and waits, nothing else yet, until the cgroup is
// known and limited. Should we be killed now, it ends, and the scope with it. The files are written as well,
// since systemd rounds.
Result<> plan_unit(TimelineBuilder& timeline, const Blueprint& blueprint, const spec::ValidSpec& spec,
                   const plan::HostFacts& host) {
    if (!blueprint.systemd) return {};
    LET(const cgroups::Unit unit,
        cgroups::unit_of(spec->linux.cgroups_path, blueprint.id, host.systemd_of_user));
    LET(auto settings, cgroups::settings_of(spec->linux.resources));
    LET(auto asked_for, cgroups::properties_of_annotations(spec->annotations));
    std::vector<plan::UnitProperty> properties = cgroups::properties_of_unit(unit, blueprint.id);
    std::ranges::move(cgroups::properties_of_limits(settings, host.systemd_version, {}, !unit.is_slice()),
                      std::back_inserter(properties));
    std::ranges::move(asked_for, std::back_inserter(properties));
    const std::string path = cgroups::cgroup_of(unit, host.systemd_cgroup);
    timeline.host(plan::StartUnit{host.cgroup_mount, path, unit.name, std::move(properties)},
                  "/linux/cgroupsPath");
    plan_limits(timeline, host.cgroup_mount, path, std::move(settings));
    cgroups::plan_delegation(timeline, spec, host);
    return {};
}

// The descriptor of the namespace of this type, where one is joined.
std::optional<plan::Slot> joined(const spec::ValidSpec& spec, const namespaces::Joins& joins,
                                 spec::NamespaceType type) {
    for (std::size_t i = 0; i < joins.size(); ++i)
        if (spec->linux.namespaces[i].type == type) return joins[i];
    return std::nullopt;
}

// What must be there before the first process: the record of it all, the cgroup it is born into, the
// namespaces and trees of the host that it shall see.
Result<Ground> plan_ground(TimelineBuilder& timeline, const Blueprint& blueprint, const spec::ValidSpec& spec,
                           const plan::HostFacts& host) {
    LET(const std::string cgroup, cgroup_path(blueprint, spec, host));
    timeline.host(plan::MakeStateDirectory{blueprint.state_directory});
    timeline.host(plan::RecordIntent{});
    if (!cgroup.empty() && !blueprint.systemd) TRY(plan_cgroup(timeline, blueprint, spec, host, cgroup));
    LET(const auto rdt, cgroups::rdt_place(spec, blueprint.id, host));
    if (rdt) cgroups::plan_rdt_groups(timeline, spec, *rdt);
    if (!blueprint.console_socket.empty()) timeline.host(plan::ConnectConsole{blueprint.console_socket});
    Ground ground{.joins = namespaces::plan_joins(timeline, spec)};
    if (blueprint.notify) {
        ground.notify = timeline.slot();
        timeline.host(plan::MakeNotifySocket{*ground.notify});
    }
    ground.places = {.bundle = blueprint.bundle,
                     .root = blueprint.root,
                     .cgroup = host.cgroup_mount + (cgroup.empty() ? host.own_cgroup : cgroup),
                     .own_cgroup_namespace = namespaces::is_new(spec, spec::NamespaceType::cgroup),
                     .clones_inside = !host.privileged,
                     .ipc = joined(spec, ground.joins, spec::NamespaceType::ipc),
                     .overlay_grants = blueprint.overlay_grants,
                     .no_pivot = blueprint.no_pivot,
                     .root_place = has_early_hooks(spec) ? blueprint.root : "",
                     .notify = ground.notify,
                     .own_mounts = has_mount_namespace(spec),
                     .host = host};
    LET(ground.trees, rootfs::plan_trees(timeline, spec, ground.places));
    if (blueprint.await_start) {
        ground.fifo = timeline.slot();
        timeline.host(plan::MakeStartFifo{ground.fifo});
    }
    if (blueprint.filter && blueprint.filter->notifies) {
        ground.handshake = timeline.slot();
        timeline.host(plan::MakeHandshake{ground.handshake}, "/linux/seccomp");
    }
    ground.hooks = {.bundle = blueprint.bundle,
                    .root = blueprint.root,
                    .has_cgroup = !cgroup.empty(),
                    .otherwise = birthplaces(blueprint.systemd, blueprint.cgroup_optional),
                    .new_keyring = blueprint.new_keyring,
                    .rdt = {},
                    .filter = blueprint.filter};
    if (rdt) ground.rdt = ground.hooks.rdt = plan::JoinRdtGroup{rdt->mount, rdt->path, rdt->monitoring};
    if (may_go_without_cgroup(blueprint, spec))
        ground.otherwise.push_back(plan::Birthplace::of_runtime_for_good);
    return ground;
}

// A process that has nothing of its caller: no descriptor, no signal, no umask; the keyring follows.
void plan_clean_start(TimelineBuilder& timeline, const Blueprint& blueprint) {
    timeline.init(plan::MarkDescriptors{stdio + blueprint.preserve_fds});
    timeline.init(plan::ResetSignals{});
    timeline.init(plan::SetUmask{0});
}

// What is written through a procfs that nobody can have changed, before any mount of the config exists.
void plan_trusted_writes(TimelineBuilder& timeline, const Blueprint& blueprint, const spec::ValidSpec& spec,
                         const plan::HostFacts& host) {
    // mount(2) names a mount by it, where that is how mounts are changed.
    const bool by_name = has_mount_namespace(spec) && !host.sets_mount_attributes();
    if (namespaces::writes_procfs(spec) || process::needs_procfs(spec) || by_name)
        timeline.init(plan::OpenProcfs{1});
    // Those of a network device that a hook brings wait for it.
    if (!has_early_hooks(spec)) namespaces::plan_kernel_parameters(timeline, spec);
    if (blueprint.new_keyring) process::plan_keyring(timeline, spec);
}

Result<> plan_device_filter(TimelineBuilder& timeline, const Blueprint& blueprint,
                            const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (blueprint.no_cgroup) return {};
    return cgroups::plan_device_filter(timeline, spec->linux.resources.devices, host);
}

void plan_go(TimelineBuilder& timeline) {
    timeline.host(plan::SendGo{});
    timeline.init(plan::AwaitGo{});
}

// Beside the stage, which mounts meanwhile, the host closes what was left open: the device filter, the group
// of resctrl and the record. Nothing of the workload can run before "go". Hooks of the creation have waited
// for all that.
Result<> plan_permission(TimelineBuilder& timeline, const Blueprint& blueprint, const Ground& ground,
                         const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!has_early_hooks(spec)) TRY(plan_device_filter(timeline, blueprint, spec, host));
    if (ground.rdt) timeline.host(*ground.rdt, "/linux/intelRdt");
    timeline.host(plan::RecordProcess{});
    plan_go(timeline);
    return {};
}

Result<> plan_hooks(TimelineBuilder& timeline, plan::HookKind kind, const Ground& ground,
                    const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!has_hooks(spec, kind)) return {};
    LET(plan::RunHooks run, compile_hooks(kind, ground.hooks, spec, host));
    timeline.host(std::move(run), cat("/hooks/", word(kind)));
    return {};
}

// The stage waits where everything is mounted and nothing is sealed, in namespaces that are complete. The
// filter is there: a hook may put one of its own in its place. So is the record, for a runtime that is
// killed.
Result<> plan_early_hooks(TimelineBuilder& timeline, const Blueprint& blueprint, const Ground& ground,
                          const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!has_early_hooks(spec)) return {};
    timeline.init(plan::ReportReady{}, "/hooks");
    timeline.host(plan::AwaitReady{}, "/hooks");
    TRY(plan_device_filter(timeline, blueprint, spec, host));
    if (ground.rdt) timeline.host(*ground.rdt, "/linux/intelRdt");
    timeline.host(plan::RecordProcess{});
    for (const plan::HookKind kind :
         {plan::HookKind::prestart, plan::HookKind::create_runtime, plan::HookKind::create_container})
        TRY(plan_hooks(timeline, kind, ground, spec, host));
    plan_go(timeline);
    return {};
}

// run: nothing but the program is missing.
Result<> plan_start_hooks(TimelineBuilder& timeline, const Ground& ground, const spec::ValidSpec& spec,
                          const plan::HostFacts& host) {
    if (!has_hooks(spec, plan::HookKind::start_container)) return {};
    timeline.init(plan::ReportReady{}, "/hooks/startContainer");
    timeline.host(plan::AwaitReady{}, "/hooks/startContainer");
    TRY(plan_hooks(timeline, plan::HookKind::start_container, ground, spec, host));
    plan_go(timeline);
    return {};
}

// A session of its own and, on a terminal, its controlling process.
void plan_session(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    timeline.init(plan::StartSession{});
    if (spec.process().terminal) timeline.init(plan::ClaimTerminal{}, "/process/terminal");
}

// What waits for `start`, perhaps for days, holds nothing of the caller's whose end somebody waits for: the
// fifo, and the socket that `start` listens on. Both stay open until execve: by the fifo `start` sees when
// the program has taken over.
void plan_wait(TimelineBuilder& timeline, const Blueprint& blueprint, const Ground& ground) {
    if (blueprint.await_start) timeline.init(plan::KeepDescriptor{ground.fifo});
    if (blueprint.await_start && ground.notify) timeline.init(plan::KeepDescriptor{*ground.notify});
    timeline.init(plan::CloseDescriptors{stdio + blueprint.preserve_fds});
}

// The process that the inhabitants of a joined pid namespace can see holds no more than the program, and what
// it has to wait on.
Result<> plan_late_birth(TimelineBuilder& timeline, const Blueprint& blueprint, const Ground& ground,
                         const spec::ValidSpec& spec, const plan::HostFacts& host) {
    plan_wait(timeline, blueprint, ground);
    timeline.init(plan::Respawn{}, "/linux/namespaces");
    timeline.host(plan::AwaitRespawn{}, "/linux/namespaces");
    plan_session(timeline, spec);
    return plan_permission(timeline, blueprint, ground, spec, host);
}

// What the caller asked to be told.
void plan_announcement(TimelineBuilder& timeline, const Blueprint& blueprint) {
    if (!blueprint.console_socket.empty()) timeline.host(plan::SendConsole{});
    if (!blueprint.pidfd_socket.empty()) timeline.host(plan::SendPidfd{blueprint.pidfd_socket, "standard"});
    if (!blueprint.pid_file.empty()) timeline.host(plan::WritePidFile{blueprint.pid_file});
    timeline.host(plan::Publish{});
}

}  // namespace

bool has_mount_namespace(const spec::ValidSpec& spec) {
    return spec::find_namespace(*spec, spec::NamespaceType::mount) != nullptr;
}

Result<std::string> cgroup_path(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                const plan::HostFacts& host) {
    if (blueprint.no_cgroup && !spec->linux.cgroups_path.empty())
        return fail(Kind::usage, "--cgroup-manager disabled: config.json: /linux/cgroupsPath: ",
                    quoted(spec->linux.cgroups_path), " asks for a cgroup");
    if (blueprint.no_cgroup) return std::string();
    if (host.cgroup_mount.empty() && may_go_without_cgroup(blueprint, spec)) return std::string();
    if (host.cgroup_mount.empty()) return fail(Kind::unsupported, host.no_cgroup_mount);
    if (!blueprint.systemd)
        return cgroups::container_path(spec->linux.cgroups_path, blueprint.id, host.own_cgroup);
    LET(const cgroups::Unit unit,
        cgroups::unit_of(spec->linux.cgroups_path, blueprint.id, host.systemd_of_user));
    return cgroups::cgroup_of(unit, host.systemd_cgroup);
}

Result<plan::Timeline> compile_creation(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                        const plan::HostFacts& host) {
    TimelineBuilder timeline;
    const bool born_late = namespaces::birth_of(spec, host) == namespaces::Birth::late;
    if (spec->linux.seccomp) TRY(seccomp::check_flags(*spec->linux.seccomp, host));
    LET(const Ground ground, plan_ground(timeline, blueprint, spec, host));
    TRY(namespaces::plan_spawn(timeline, spec, host, ground.joins, blueprint.systemd, ground.otherwise));
    TRY(plan_unit(timeline, blueprint, spec, host));
    TRY(namespaces::plan_preparation(timeline, spec, host, blueprint.systemd));

    plan_clean_start(timeline, blueprint);
    namespaces::plan_entry(timeline, spec, host, ground.joins);
    TRY(namespaces::plan_network(timeline, spec, host, ground.joins));
    plan_trusted_writes(timeline, blueprint, spec, host);
    LET(rootfs::Layout layout, rootfs::plan_content(timeline, spec, ground.places, ground.trees));
    TRY(plan_early_hooks(timeline, blueprint, ground, spec, host));
    if (has_early_hooks(spec)) namespaces::plan_kernel_parameters(timeline, spec);
    rootfs::plan_seal(timeline, spec, ground.places, ground.trees, std::move(layout));
    namespaces::plan_names(timeline, spec);
    if (!born_late) plan_session(timeline, spec);

    if (!born_late && !has_early_hooks(spec)) TRY(plan_permission(timeline, blueprint, ground, spec, host));
    const process::Surroundings found =
        process::plan_surroundings(timeline, spec, blueprint.extra_environment);
    TRY(process::plan_affinity(timeline, std::nullopt));
    TRY(process::plan_credentials(timeline, spec, host,
                                  {.groups_denied = namespaces::denies_groups(spec, host),
                                   .filter_follows = blueprint.filter.has_value()}));
    const bool notifies = blueprint.filter && blueprint.filter->notifies;
    if (notifies) seccomp::plan_handshake(timeline, ground.handshake);
    if (born_late) TRY(plan_late_birth(timeline, blueprint, ground, spec, host));
    const plan::Execute execute = process::plan_search(timeline, spec, found);

    if (blueprint.await_start) {
        if (!born_late) plan_wait(timeline, blueprint, ground);
        if (notifies) seccomp::plan_listener(timeline, *blueprint.filter, *spec->linux.seccomp);
        timeline.init(plan::ReportReady{});
        timeline.host(plan::AwaitReady{});
        plan_announcement(timeline, blueprint);
        timeline.init(plan::AwaitStart{ground.fifo});
    } else {
        TRY(plan_start_hooks(timeline, ground, spec, host));
    }
    timeline.init(plan::CloseDescriptors{stdio + blueprint.preserve_fds});
    timeline.init(plan::ReportExecution{});
    if (notifies && !blueprint.await_start)
        seccomp::plan_listener(timeline, *blueprint.filter, *spec->linux.seccomp);
    if (blueprint.filter && !notifies) seccomp::plan_filter(timeline, *blueprint.filter);
    timeline.init(execute, "/process/args");
    if (!blueprint.await_start) {
        timeline.host(plan::AwaitExecution{});
        plan_announcement(timeline, blueprint);
    }
    return std::move(timeline).finish();
}

Result<plan::Timeline> compile_start(bool programmed) {
    TimelineBuilder timeline;
    timeline.host(plan::ReleaseInit{});
    if (programmed) timeline.host(plan::AwaitProgram{});
    timeline.host(plan::RemoveStartFifo{});
    return std::move(timeline).finish();
}

Result<plan::Timeline> compile_update(Changes changes, const State& state, const plan::HostFacts& host) {
    TimelineBuilder timeline;
    if (!changes.settings.empty()) {
        timeline.host(plan::EnableControllers{state.cgroup_mount, state.cgroup_path,
                                              cgroups::controllers_of(changes.settings)});
        timeline.host(plan::ChangeLimits{changes.settings});
    }
    if (!changes.properties.empty()) {
        timeline.host(plan::ChangeUnit{std::move(changes.properties)});
        // What systemd has rounded is made exact again.
        timeline.host(plan::LimitCgroup{std::move(changes.settings)});
    }
    if (!changes.schemata.empty())
        timeline.host(plan::ChangeSchemata{state.rdt.mount, state.rdt.path, std::move(changes.schemata)});
    TRY(cgroups::plan_device_update(timeline, changes.created, changes.devices, host));
    return std::move(timeline).finish();
}

Result<plan::Timeline> compile_removal(const std::string& state_directory, bool kill, const State& state) {
    TimelineBuilder timeline;
    if (kill) timeline.host(plan::KillContainer{});
    if (!state.unit.name.empty()) timeline.host(plan::StopUnit{state.unit.name});
    if (state.root_mount.number != 0) timeline.host(plan::DetachRoot{});
    if (!state.rdt.mount.empty()) timeline.host(plan::RemoveRdtGroup{});
    timeline.host(plan::RemoveCgroup{});
    timeline.host(plan::RemoveStateDirectory{state_directory});
    return std::move(timeline).finish();
}

}  // namespace bulkhead::runtime
