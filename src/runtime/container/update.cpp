// SPDX-License-Identifier: Apache-2.0
// update: changes the limits of a container.
#include <algorithm>
#include <iterator>

#include "cgroups/group/mount.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/limits.hpp"
#include "cgroups/limits/version_one.hpp"
#include "cgroups/systemd/unit_properties.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/systemd_driver.hpp"
#include "runtime/steps/walk.hpp"
#include "spec/parse.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

namespace {

// The same for the container's unit, if it has one: systemd is connected to then.
Result<std::vector<plan::UnitProperty>> properties_of(ExecutionContext& context,
                                                      const std::vector<plan::CgroupSetting>& settings,
                                                      const cgroups::Present& present) {
    if (context.record.state.unit.name.empty()) return std::vector<plan::UnitProperty>();
    TRY(connect_by_record(context.record.state, context.control));
    return cgroups::properties_of_limits(settings, context.control.systemd->version(), present);
}

Result<std::vector<spec::DeviceRule>> rules_of_creation(int directory) {
    LET(const std::string text, load_config(directory));
    LET(spec::Spec spec, spec::parse(text));
    return std::move(spec.linux.resources.devices);
}

// A limit of 0 has the meaning of the version in the container's config.json.
Result<spec::Resources> resources_of(const UpdateRequest& request, int directory) {
    spec::Resources resources = request.resources;
    if (resources.pids.limit != 0) return resources;
    LET(const std::string text, load_config(directory));
    LET(const spec::Spec spec, spec::parse(text));
    spec::lift_the_zero_of_old_versions(resources.pids, spec.oci_version);
    return resources;
}

// An error about the caller's file must not name config.json.
Error renamed(Error error, const std::string& where) {
    constexpr std::string_view there = "/linux/resources";
    if (error.kind == Kind::invalid_config && error.text.starts_with(there))
        error.text.replace(0, there.size(), where);
    return error;
}

// runc moves the container into a new group then. bulkhead refuses, because config.json does not tell
// `delete` what to do with such a group.
Result<> check_schemata(const UpdateRequest& request, const State& state) {
    if (request.schemata.empty() || !state.rdt.mount.empty()) return {};
    return fail(Kind::unsupported, "Intel RDT is not enabled for container ", state.id,
                ": its config.json has no linux.intelRdt, so --l3-cache-schema and --mem-bw-schema have "
                "nothing to change");
}

// Only new device rules need the facts of the host and the config.
Result<plan::Timeline> plan_update(Changes changes, const UpdateRequest& request,
                                   const ExecutionContext& context) {
    changes.devices = request.resources.devices;
    changes.schemata = request.schemata;
    plan::HostFacts host;
    if (!changes.devices.empty()) {
        LET(changes.created, rules_of_creation(context.record.directory.number()));
        LET(host, probe_kernel());
    }
    auto timeline = compile_update(std::move(changes), context.record.state, host);
    if (!timeline) return std::unexpected(renamed(std::move(timeline).error(), request.where));
    return timeline;
}

}  // namespace

Result<Made> update(const Site& site, const UpdateRequest& request) {
    LET(Found found, find_locked(site, request.id));
    const auto rule = lifecycle::rule(found.status, lifecycle::Verb::update);
    if (lifecycle::refuses(rule)) return refusal(rule, request.id, found.status);
    TRY(check_schemata(request, found.state));
    ExecutionContext context;
    context.record.state = std::move(found.state);
    context.record.directory = std::move(found.directory);
    context.walk.fault = request.fault;
    LET(context.control.cgroup, open_own_cgroup(context.record.state));
    if (!context.control.cgroup) return no_cgroup(context.record.state.id, "its limits cannot be changed");
    const int group = context.control.cgroup.number();
    const cgroups::Present present = cgroups::present_of(group);
    LET(const spec::Resources resources, resources_of(request, context.record.directory.number()));
    LET(auto settings, cgroups::settings_of(resources, present, request.where));
    Made made{.warnings = cgroups::warnings_of_version_1(resources, request.where)};
    if (settings.empty() && request.resources.devices.empty() && request.schemata.empty()) return made;
    LET(context.control.hierarchy, cgroups::open_hierarchy(context.record.state.cgroup_mount));
    TRY(cgroups::check_settings(context.control.hierarchy.number(), context.record.state.cgroup_path,
                                settings));
    TRY(cgroups::check_memory(group, request.resources.memory, request.where));
    Changes changes;
    if (!settings.empty()) {
        LET(changes.properties, properties_of(context, settings, present));
    }
    if (!changes.properties.empty()) {
        LET(changes.settings, cgroups::settings_now(group, cgroups::rewritten_by_systemd));
    }
    std::ranges::move(settings, std::back_inserter(changes.settings));
    LET(const plan::Timeline timeline, plan_update(std::move(changes), request, context));
    TRY(walk(timeline, context));
    return made;
}

}  // namespace bulkhead::runtime
