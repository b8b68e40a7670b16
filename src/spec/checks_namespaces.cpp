// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <tuple>

#include "spec/checks.hpp"
#include "spec/words.hpp"

namespace bulkhead::spec {

Result<> namespaces_are_distinct(const Spec& spec) {
    std::uint32_t seen = 0;
    for (std::size_t i = 0; const Namespace& each : spec.linux.namespaces) {
        const std::string pointer = cat("/linux/namespaces/", i++);
        const std::uint32_t bit = 1U << static_cast<unsigned>(each.type);
        if (seen & bit)
            return refuse(pointer, cat("malformed spec file: duplicated ns {", quoted(word(each.type)), " ",
                                       quoted(each.path), "}"));
        seen |= bit;
    }
    return {};
}

Result<> namespace_paths_are_absolute(const Spec& spec) {
    for (std::size_t i = 0; const Namespace& each : spec.linux.namespaces) {
        const std::string pointer = cat("/linux/namespaces/", i++, "/path");
        if (!each.path.empty() && !is_absolute(each.path))
            return refuse(pointer, each.path, "namespace path must be absolute");
    }
    return {};
}

Result<> names_have_a_uts_namespace(const Spec& spec) {
    if (find_namespace(spec, NamespaceType::uts)) return {};
    if (!spec.hostname.empty())
        return refuse("/hostname", spec.hostname, "unable to set hostname without a private UTS namespace");
    if (!spec.domainname.empty())
        return refuse("/domainname", spec.domainname,
                      "unable to set domainname without a private UTS namespace");
    return {};
}

Result<> restricted_paths_have_a_mount_namespace(const Spec& spec) {
    if (find_namespace(spec, NamespaceType::mount)) return {};
    constexpr std::string_view reason = "unable to restrict sys entries without a private MNT namespace";
    if (!spec.linux.masked_paths.empty()) return refuse("/linux/maskedPaths", reason);
    if (!spec.linux.readonly_paths.empty()) return refuse("/linux/readonlyPaths", reason);
    return {};
}

// A joined user namespace has its maps already. runc 1.1 ignores maps without a user namespace, later ones do
// not.
Result<> id_mappings_have_a_user_namespace(const Spec& spec) {
    const Namespace* user = find_namespace(spec, NamespaceType::user);
    const bool has_uids = !spec.linux.uid_mappings.empty();
    const bool has_gids = !spec.linux.gid_mappings.empty();
    const std::string_view first = has_uids ? "/linux/uidMappings" : "/linux/gidMappings";
    if (!user && (has_uids || has_gids))
        return refuse(first,
                      "User namespace mappings specified, but USER namespace isn't enabled in the config");
    if (!user || (!user->path.empty() && !has_uids && !has_gids)) return {};
    if (!has_uids) return refuse("/linux/uidMappings", "User namespaces enabled, but no uid mappings found.");
    if (!has_gids) return refuse("/linux/gidMappings", "User namespaces enabled, but no gid mappings found.");
    return {};
}

namespace {

bool overlap(std::uint32_t one, std::uint32_t one_size, std::uint32_t other, std::uint32_t other_size) {
    return std::uint64_t{one} < std::uint64_t{other} + other_size &&
           std::uint64_t{other} < std::uint64_t{one} + one_size;
}

// 4294967295 is no id.
bool fits(std::uint32_t first, std::uint32_t size) { return std::uint64_t{first} + size <= 0xffffffff; }

Result<> mappings_can_be_written(const std::vector<IdMapping>& maps, std::string_view pointer) {
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const IdMapping& map = maps[i];
        const std::string here = cat(pointer, '/', i);
        if (map.size == 0) return refuse(cat(here, "/size"), map.size, "must be at least 1");
        if (!fits(map.container_id, map.size) || !fits(map.host_id, map.size))
            return refuse(cat(here, "/size"), map.size, "goes beyond the last id, 4294967294");
        for (std::size_t j = 0; j < i; ++j) {
            if (overlap(map.container_id, map.size, maps[j].container_id, maps[j].size))
                return refuse(cat(here, "/containerID"), map.container_id, cat("overlaps with mapping ", j));
            if (overlap(map.host_id, map.size, maps[j].host_id, maps[j].size))
                return refuse(cat(here, "/hostID"), map.host_id, cat("overlaps with mapping ", j));
        }
    }
    return {};
}

}  // namespace

// user_namespaces(7), "Defining user and group ID mappings"; the kernel only answers EINVAL.
Result<> id_mappings_can_be_written(const Spec& spec) {
    TRY(mappings_can_be_written(spec.linux.uid_mappings, "/linux/uidMappings"));
    TRY(mappings_can_be_written(spec.linux.gid_mappings, "/linux/gidMappings"));
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        TRY(mappings_can_be_written(spec.mounts[i].uid_mappings, cat("/mounts/", i, "/uidMappings")));
        TRY(mappings_can_be_written(spec.mounts[i].gid_mappings, cat("/mounts/", i, "/gidMappings")));
    }
    return {};
}

// A process cannot take an id that the container's maps do not have; the kernel would only answer EINVAL.
Result<> users_are_mapped(const Spec& spec) {
    const auto has = [](const std::vector<IdMapping>& maps, std::uint32_t id) {
        return maps.empty() || std::ranges::any_of(maps, [&](const IdMapping& each) {
                   return id >= each.container_id && id - each.container_id < each.size;
               });
    };
    const Namespace* user_namespace = find_namespace(spec, NamespaceType::user);
    if (!spec.process || !user_namespace || !user_namespace->path.empty()) return {};
    const User& user = spec.process->user;
    const auto& [uids, gids] = std::tie(spec.linux.uid_mappings, spec.linux.gid_mappings);
    constexpr std::string_view reason = "is not mapped in the container's user namespace";
    if (!has(uids, user.uid)) return refuse("/process/user/uid", user.uid, reason);
    if (!has(gids, user.gid)) return refuse("/process/user/gid", user.gid, reason);
    if (gids.size() == 1 && gids[0].size == 1) return {};  // without root nobody may set groups there
    for (std::size_t i = 0; i < user.additional_gids.size(); ++i)
        if (!has(gids, user.additional_gids[i]))
            return refuse(cat("/process/user/additionalGids/", i), user.additional_gids[i], reason);
    return {};
}

Result<> time_offsets_have_a_time_namespace(const Spec& spec) {
    if (spec.linux.time_offsets.empty()) return {};
    const Namespace* time = find_namespace(spec, NamespaceType::time);
    if (!time)
        return refuse("/linux/timeOffsets",
                      "time namespace offsets specified, but time namespace isn't enabled in the config");
    if (!time->path.empty())
        return refuse("/linux/timeOffsets",
                      "time namespace offsets specified, but the time namespace is joined");
    return {};
}

Result<> net_devices_have_a_network_namespace(const Spec& spec) {
    constexpr std::size_t name_limit = 15;  // IFNAMSIZ without its NUL
    const auto is_name = [](std::string_view name) {
        return !name.empty() && name.size() <= name_limit && name.find_first_of("/: \t\n") == name.npos &&
               name != "." && name != "..";
    };
    if (!spec.linux.net_devices.empty() && !find_namespace(spec, NamespaceType::network))
        return refuse("/linux/netDevices", "unable to move network devices without a private NET namespace");
    std::set<std::string_view> inside;
    for (const auto& [name, device] : spec.linux.net_devices) {
        if (!is_name(name)) return refuse("/linux/netDevices", name, "invalid network device name");
        if (!device.name.empty() && !is_name(device.name))
            return refuse(cat("/linux/netDevices/", quotable(name), "/name"), device.name,
                          "invalid network device name");
        const std::string_view new_name = device.name.empty() ? name : device.name;
        if (!new_name.contains('%') && !inside.insert(new_name).second)
            return refuse(cat("/linux/netDevices/", quotable(name), "/name"), new_name,
                          "two network devices have this name in the container");
    }
    return {};
}

}  // namespace bulkhead::spec
