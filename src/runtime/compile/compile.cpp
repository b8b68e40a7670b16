// SPDX-License-Identifier: Apache-2.0
#include "runtime/compile/compile.hpp"

#include <algorithm>

#include "cgroups/devices/plan_devices.hpp"
#include "cgroups/group/path.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/resources.hpp"
#include "cgroups/systemd/unit.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::runtime {

using plan::TimelineBuilder;

bool has_mount_namespace(const spec::ValidSpec& spec) {
    return spec::find_namespace(*spec, spec::NamespaceType::mount) != nullptr;
}

bool may_go_without_cgroup(const CreateOptions& options, const spec::ValidSpec& spec) {
    if (options.systemd || !options.cgroup_optional || !spec->linux.cgroups_path.empty()) return false;
    const auto settings = cgroups::settings_of(spec->linux.resources);
    return settings && std::ranges::all_of(*settings, &plan::CgroupSetting::may_lack);
}

Result<std::string> cgroup_path(const CreateOptions& options, const spec::ValidSpec& spec,
                                const plan::HostFacts& host) {
    if (options.no_cgroup && !spec->linux.cgroups_path.empty())
        return fail(Kind::usage, "--cgroup-manager disabled: config.json: /linux/cgroupsPath: ",
                    quoted(spec->linux.cgroups_path), " asks for a cgroup");
    if (options.no_cgroup) return std::string();
    if (host.cgroup_mount.empty() && may_go_without_cgroup(options, spec)) return std::string();
    if (host.cgroup_mount.empty()) return fail(Kind::unsupported, host.no_cgroup_mount);
    if (!options.systemd)
        return cgroups::container_path(spec->linux.cgroups_path, options.id, host.own_cgroup);
    LET(const cgroups::Unit unit,
        cgroups::unit_of(spec->linux.cgroups_path, options.id, host.systemd_of_user));
    return cgroups::cgroup_of(unit, host.systemd_cgroup);
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
        // Makes exact again what systemd has rounded.
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
