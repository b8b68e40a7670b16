// SPDX-License-Identifier: Apache-2.0
#include "runtime/compile.hpp"

#include "cgroups/devices.hpp"
#include "cgroups/path.hpp"
#include "namespaces/plan.hpp"
#include "process/plan.hpp"
#include "rootfs/plan.hpp"

namespace bulkhead::runtime {

using plan::TimelineBuilder;

namespace {

constexpr std::uint32_t stdio = 3;  // descriptors 0 to 2

// What must be there before the first process: the record of it all, the cgroup it is born into, the trees of
// the host that it shall see.
Result<rootfs::Trees> plan_ground(TimelineBuilder& timeline, const Blueprint& blueprint,
                                  const spec::ValidSpec& spec, const plan::HostFacts& host) {
    LET(const std::string cgroup, cgroup_path(blueprint, spec, host));
    timeline.host(plan::MakeStateDirectory{blueprint.state_directory});
    timeline.host(plan::RecordIntent{});
    timeline.host(plan::MakeCgroup{host.cgroup_mount, cgroup}, "/linux/cgroupsPath");
    timeline.host(plan::RecordCgroup{});
    if (!blueprint.console_socket.empty()) timeline.host(plan::ConnectConsole{blueprint.console_socket});
    const bool own_view = namespaces::is_new(spec, spec::NamespaceType::cgroup);
    return rootfs::plan_trees(timeline, spec,
                              {blueprint.bundle, blueprint.root, host.cgroup_mount + cgroup, own_view});
}

// A process that has nothing of its caller: no descriptor, no signal, no umask, no keyring, no session.
void plan_clean_start(TimelineBuilder& timeline, const Blueprint& blueprint) {
    timeline.init(plan::MarkDescriptors{stdio + blueprint.preserve_fds});
    timeline.init(plan::ResetSignals{});
    timeline.init(plan::SetUmask{0});
    if (blueprint.new_keyring) timeline.init(plan::JoinKeyring{});
    timeline.init(plan::StartSession{});
}

// Beside the stage, which mounts meanwhile, the host closes what was left open: the device filter and the
// record. Nothing of the workload can run before "go".
Result<> plan_permission(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    LET(auto filter, cgroups::device_program(spec->linux.resources.devices));
    timeline.host(plan::AttachDeviceFilter{std::move(filter)}, "/linux/resources/devices");
    timeline.host(plan::RecordProcess{});
    timeline.host(plan::SendGo{});
    timeline.init(plan::AwaitGo{});
    return {};
}

// What the caller asked to be told.
void plan_announcement(TimelineBuilder& timeline, const Blueprint& blueprint) {
    if (!blueprint.console_socket.empty()) timeline.host(plan::SendConsole{});
    if (!blueprint.pidfd_socket.empty()) timeline.host(plan::SendPidfd{blueprint.pidfd_socket});
    if (!blueprint.pid_file.empty()) timeline.host(plan::WritePidFile{blueprint.pid_file});
    timeline.host(plan::Publish{});
}

}  // namespace

Result<std::string> cgroup_path(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                const plan::HostFacts& host) {
    return cgroups::container_path(spec->linux.cgroups_path, blueprint.id, host.own_cgroup);
}

Result<plan::Timeline> compile_creation(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                        const plan::HostFacts& host) {
    TimelineBuilder timeline;
    LET(const rootfs::Trees trees, plan_ground(timeline, blueprint, spec, host));
    const plan::Slot fifo = blueprint.await_start ? timeline.slot() : plan::Slot{};
    if (blueprint.await_start) timeline.host(plan::MakeStartFifo{fifo});

    timeline.host(plan::Spawn{namespaces::clone_flags(spec)}, "/linux/namespaces");
    plan_clean_start(timeline, blueprint);
    namespaces::plan_entry(timeline, spec);
    TRY(rootfs::plan_inside(timeline, spec, trees));
    namespaces::plan_names(timeline, spec);

    TRY(plan_permission(timeline, spec));
    const process::Surroundings found = process::plan_surroundings(timeline, spec);
    TRY(process::plan_credentials(timeline, spec, host));
    const plan::Execute execute = process::plan_search(timeline, spec, found);

    if (blueprint.await_start) {
        timeline.init(plan::ReportReady{});
        timeline.host(plan::AwaitReady{});
        plan_announcement(timeline, blueprint);
        timeline.init(plan::AwaitStart{fifo});
    }
    timeline.init(plan::CloseDescriptors{stdio + blueprint.preserve_fds});
    timeline.init(execute, "/process/args");
    if (!blueprint.await_start) {
        timeline.host(plan::AwaitExecution{});
        plan_announcement(timeline, blueprint);
    }
    return std::move(timeline).finish();
}

Result<plan::Timeline> compile_start() {
    TimelineBuilder timeline;
    timeline.host(plan::ReleaseInit{});
    timeline.host(plan::RemoveStartFifo{});
    return std::move(timeline).finish();
}

Result<plan::Timeline> compile_removal(const std::string& state_directory, bool kill) {
    TimelineBuilder timeline;
    if (kill) timeline.host(plan::KillContainer{});
    timeline.host(plan::RemoveCgroup{});
    timeline.host(plan::RemoveStateDirectory{state_directory});
    return std::move(timeline).finish();
}

}  // namespace bulkhead::runtime
