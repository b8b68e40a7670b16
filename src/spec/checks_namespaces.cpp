// SPDX-License-Identifier: Apache-2.0
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

// An id that the container's maps do not have cannot be taken; the kernel would say no more than EINVAL.
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
    if (gids.size() == 1 && gids[0].size == 1) return {};  // nobody without root may set groups there at all
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
    for (const auto& [name, device] : spec.linux.net_devices) {
        if (!is_name(name)) return refuse("/linux/netDevices", name, "invalid network device name");
        if (!device.name.empty() && !is_name(device.name))
            return refuse(cat("/linux/netDevices/", quotable(name), "/name"), device.name,
                          "invalid network device name");
    }
    return {};
}

}  // namespace bulkhead::spec
