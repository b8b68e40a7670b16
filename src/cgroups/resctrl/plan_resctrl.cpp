// SPDX-License-Identifier: Apache-2.0
#include "cgroups/resctrl/plan_resctrl.hpp"

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr const char* pointer = "/linux/intelRdt";

bool has_schema(const spec::IntelRdt& rdt) {
    return !rdt.l3_cache_schema.empty() || !rdt.mem_bw_schema.empty() || !rdt.schemata.empty();
}

std::string pointer_to(std::string_view name) { return cat(pointer, '/', name); }

}  // namespace

Result<std::optional<RdtPlace>> rdt_place(const spec::ValidSpec& spec, const std::string& id,
                                          const plan::HostFacts& host) {
    if (!spec->linux.intel_rdt) return std::nullopt;
    if (host.resctrl_mount.empty())
        return fail(
            Kind::unsupported, "config.json: ", pointer,
            ": intelRdt is specified in config, but Intel RDT is not supported or enabled: no resctrl "
            "file system is mounted");
    const spec::IntelRdt& rdt = *spec->linux.intel_rdt;
    RdtPlace place{.mount = host.resctrl_mount,
                   .path = host.resctrl_mount,
                   .named = !rdt.clos_id.empty(),
                   .monitoring = {}};
    if (rdt.clos_id != "/") place.path.append(cat('/', place.named ? rdt.clos_id : id));
    if (rdt.enable_monitoring) place.monitoring = cat(place.path, "/mon_groups/", id);
    return place;
}

// As the standard says, only the two older properties are compared. `schemata` may be about the same resource
// and is written after them.
void plan_rdt_groups(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const RdtPlace& place) {
    const spec::IntelRdt& rdt = *spec->linux.intel_rdt;
    const std::pair<const char*, const std::string&> both[] = {{"l3CacheSchema", rdt.l3_cache_schema},
                                                               {"memBwSchema", rdt.mem_bw_schema}};
    if (place.named && (!has_schema(rdt) || rdt.clos_id == "/"))
        timeline.host(plan::FindRdtGroup{place.path}, pointer_to("closID"));
    else
        timeline.host(plan::MakeRdtGroup{place.mount, place.path},
                      place.named ? pointer_to("closID") : pointer);
    for (const auto& [name, schema] : both)
        if (place.named && !schema.empty())
            timeline.host(plan::CompareSchemata{place.path, schema}, pointer_to(name));
    if (!place.monitoring.empty())
        timeline.host(plan::MakeMonitoringGroup{place.mount, place.monitoring},
                      pointer_to("enableMonitoring"));
    timeline.host(plan::RecordRdtGroup{});
    for (const auto& [name, schema] : both)
        if (!schema.empty())
            timeline.host(plan::WriteSchemata{place.mount, place.path, {schema}}, pointer_to(name));
    if (!rdt.schemata.empty())
        timeline.host(plan::WriteSchemata{place.mount, place.path, rdt.schemata}, pointer_to("schemata"));
}

}  // namespace bulkhead::cgroups
