// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "spec/checks.hpp"

namespace bulkhead::spec {

Result<> root_has_a_path(const Spec& spec) {
    if (!spec.root) return refuse("/root", "root must be specified");
    // runc takes "" for the bundle itself, which hands config.json to the container.
    if (spec.root->path.empty()) return refuse("/root/path", "root path must not be empty");
    return {};
}

namespace {

// True if nothing of the path is left once it is cleaned, with .. stopping at the root.
bool is_root(std::string_view path) {
    std::size_t depth = 0;
    for (const std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            ++depth;
        else if (depth > 0)
            --depth;
    }
    return depth == 0;
}

}  // namespace

Result<> mounts_have_destinations(const Spec& spec) {
    for (std::size_t i = 0; const Mount& mount : spec.mounts) {
        const std::string pointer = cat("/mounts/", i++, "/destination");
        if (mount.destination.empty()) return refuse(pointer, "mount destination must not be empty");
        if (is_root(mount.destination))
            return refuse(pointer, mount.destination, "mount destination is the root of the container");
    }
    return {};
}

Result<> mount_mappings_come_in_pairs(const Spec& spec) {
    for (std::size_t i = 0; const Mount& mount : spec.mounts) {
        const std::string pointer = cat("/mounts/", i++);
        if (mount.uid_mappings.empty() == mount.gid_mappings.empty()) continue;
        return refuse(pointer, "uidMappings and gidMappings must be given together");
    }
    return {};
}

Result<> restricted_paths_are_named(const Spec& spec) {
    const std::pair<std::string_view, const std::vector<std::string>&> lists[] = {
        {"/linux/maskedPaths/", spec.linux.masked_paths},
        {"/linux/readonlyPaths/", spec.linux.readonly_paths},
    };
    for (const auto& [pointer, paths] : lists)
        if (const auto empty = std::ranges::find(paths, ""); empty != paths.end())
            return refuse(cat(pointer, empty - paths.begin()), "path must not be empty");
    return {};
}

Result<> devices_are_complete(const Spec& spec) {
    for (std::size_t i = 0; const Device& device : spec.linux.devices) {
        const std::string pointer = cat("/linux/devices/", i++);
        if (!is_absolute(device.path))
            return refuse(cat(pointer, "/path"), device.path, "must be an absolute path");
        if (device.type == DeviceType::fifo) continue;
        if (!device.major) return refuse(cat(pointer, "/major"), "is required for every type but p");
        if (!device.minor) return refuse(cat(pointer, "/minor"), "is required for every type but p");
        // mknod(2) would cut off higher bits, and make another device.
        constexpr std::uint32_t highest_major = 0xfff, highest_minor = 0xfffff;
        if (*device.major > highest_major)
            return refuse(cat(pointer, "/major"), *device.major, "must be from 0 to 4095");
        if (*device.minor > highest_minor)
            return refuse(cat(pointer, "/minor"), *device.minor, "must be from 0 to 1048575");
    }
    return {};
}

namespace {

Result<> hooks_of_one_kind_can_run(std::string_view kind, const std::vector<Hook>& hooks) {
    for (std::size_t i = 0; const Hook& hook : hooks) {
        const std::string pointer = cat("/hooks/", kind, "/", i++);
        if (!is_absolute(hook.path))
            return refuse(cat(pointer, "/path"), hook.path, "must be an absolute path");
        if (hook.timeout.value_or(1) <= 0)
            return refuse(cat(pointer, "/timeout"), *hook.timeout, "must be greater than zero");
    }
    return {};
}

}  // namespace

Result<> hooks_can_run(const Spec& spec) {
    const std::pair<std::string_view, const std::vector<Hook>&> kinds[] = {
        {"prestart", spec.hooks.prestart},
        {"createRuntime", spec.hooks.create_runtime},
        {"createContainer", spec.hooks.create_container},
        {"startContainer", spec.hooks.start_container},
        {"poststart", spec.hooks.poststart},
        {"poststop", spec.hooks.poststop},
    };
    for (const auto& [kind, hooks] : kinds) TRY(hooks_of_one_kind_can_run(kind, hooks));
    return {};
}

Result<> annotations_have_keys(const Spec& spec) {
    if (spec.annotations.contains("")) return refuse("/annotations/", "annotation key must not be empty");
    return {};
}

}  // namespace bulkhead::spec
