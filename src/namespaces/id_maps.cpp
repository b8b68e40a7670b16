// SPDX-License-Identifier: Apache-2.0
#include "namespaces/id_maps.hpp"

#include <algorithm>

namespace bulkhead::namespaces {

namespace {

bool maps_root(const Mappings& mappings) {
    return std::ranges::any_of(mappings, [](const spec::IdMapping& each) { return each.container_id == 0; });
}

std::uint32_t inner_id(const Mappings& mappings) {
    return maps_root(mappings) || mappings.empty() ? 0 : mappings.front().container_id;
}

bool maps_only(const Mappings& mappings, std::uint32_t id) {
    return mappings.size() == 1 && mappings[0].size == 1 && mappings[0].host_id == id;
}

}  // namespace

std::string map_text(const Mappings& mappings) {
    std::string text;
    for (const spec::IdMapping& each : mappings)
        text.append(cat(each.container_id, ' ', each.host_id, ' ', each.size, '\n'));
    return text;
}

plan::InnerIds inner_ids(const Mappings& uids, const Mappings& gids) {
    return {inner_id(uids), inner_id(gids)};
}

bool writes_alone(const Mappings& uids, const Mappings& gids, std::uint32_t uid, std::uint32_t gid) {
    return maps_only(uids, uid) && maps_only(gids, gid);
}

std::optional<plan::IdMaps> maps_of_helpers(const spec::Linux& linux, const plan::HostFacts& host) {
    const auto is_new_user = [](const spec::Namespace& each) {
        return each.type == spec::NamespaceType::user && each.path.empty();
    };
    const bool alone =
        host.privileged || writes_alone(linux.uid_mappings, linux.gid_mappings, host.uid, host.gid);
    if (alone || std::ranges::none_of(linux.namespaces, is_new_user)) return std::nullopt;
    return plan::IdMaps{map_text(linux.uid_mappings), map_text(linux.gid_mappings)};
}

Result<> plan_id_maps(plan::TimelineBuilder& timeline, const spec::Linux& linux,
                      const plan::HostFacts& host) {
    const auto require = [](const Mappings& mappings, std::string_view pointer) -> Result<> {
        if (!mappings.empty()) return {};
        return fail(Kind::invalid_config, "config.json: ", pointer,
                    ": user namespaces enabled, but no mappings found");
    };
    TRY(require(linux.uid_mappings, "/linux/uidMappings"));
    TRY(require(linux.gid_mappings, "/linux/gidMappings"));
    const bool alone = writes_alone(linux.uid_mappings, linux.gid_mappings, host.uid, host.gid);
    timeline.host(plan::WriteIdMaps{.maps = {map_text(linux.uid_mappings), map_text(linux.gid_mappings)},
                                    .by_helper = maps_of_helpers(linux, host).has_value(),
                                    .deny_setgroups = !host.privileged && alone},
                  "/linux/uidMappings");
    return {};
}

}  // namespace bulkhead::namespaces
