// SPDX-License-Identifier: Apache-2.0
// update: new limits for a container that is there.
#include "cgroups/controllers.hpp"
#include "cgroups/limits.hpp"
#include "cgroups/mount.hpp"
#include "cgroups/unit_properties.hpp"
#include "runtime/compile.hpp"
#include "runtime/container.hpp"
#include "runtime/observe.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/refusal.hpp"
#include "runtime/run.hpp"
#include "runtime/systemd_driver.hpp"

namespace bulkhead::runtime {

namespace {

// The same for the container's unit, if it has one: systemd is connected to then.
Result<std::vector<plan::UnitProperty>> properties_of(Workshop& workshop,
                                                      const std::vector<plan::CgroupSetting>& settings,
                                                      const cgroups::Present& present) {
    if (workshop.state.unit.name.empty()) return std::vector<plan::UnitProperty>();
    TRY(connect_by_record(workshop));
    return cgroups::properties_of_limits(settings, workshop.systemd->version(), present);
}

}  // namespace

Result<> update(const Site& site, const UpdateRequest& request) {
    LET(Found found, find_locked(site, request.id));
    const auto rule = lifecycle::rule(found.status, lifecycle::Verb::update);
    if (lifecycle::refuses(rule)) return refusal(rule, request.id, found.status);
    Workshop workshop;
    workshop.state = std::move(found.state);
    workshop.directory = std::move(found.directory);
    workshop.fault = request.fault;
    LET(workshop.cgroup, open_own_cgroup(workshop.state));
    if (!workshop.cgroup) return no_cgroup(workshop.state.id, "its limits cannot be changed");
    const int group = workshop.cgroup.number();
    LET(const cgroups::Present present, cgroups::present_of(group, request.resources));
    LET(auto settings, cgroups::settings_of(request.resources, present, request.where));
    if (settings.empty()) return {};
    LET(workshop.hierarchy, cgroups::open_hierarchy(workshop.state.cgroup_mount));
    TRY(cgroups::check_settings(workshop.hierarchy.number(), workshop.state.cgroup_path, settings));
    TRY(cgroups::check_memory(group, request.resources.memory, request.where));
    LET(auto properties, properties_of(workshop, settings, present));
    LET(const plan::Timeline timeline,
        compile_update(std::move(settings), std::move(properties), workshop.state));
    return run(timeline, workshop);
}

}  // namespace bulkhead::runtime
