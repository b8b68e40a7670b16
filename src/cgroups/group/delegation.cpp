// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/delegation.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::cgroups {

namespace {

bool is_usual_place(std::string_view destination) {
    std::string clean;
    for (const std::string_view name : split(destination, '/'))
        if (!name.empty() && name != ".") clean.append("/").append(name);
    return clean == "/sys/fs/cgroup";
}

bool is_writable_cgroup(const spec::Mount& mount) {
    const auto is_read_only = [](const std::string& word) { return word == "ro" || word == "rro"; };
    return mount.source == "cgroup" && is_usual_place(mount.destination) &&
           std::ranges::none_of(mount.options, is_read_only);
}

std::optional<std::uint32_t> host_id(const spec::Spec& spec, std::uint32_t id) {
    if (find_namespace(spec, spec::NamespaceType::user) == nullptr) return id;
    for (const spec::IdMapping& each : spec.linux.uid_mappings)
        if (id >= each.container_id && id - each.container_id < each.size)
            return each.host_id + (id - each.container_id);
    return std::nullopt;
}

}  // namespace

void plan_delegation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host) {
    const spec::Namespace* cgroup = find_namespace(*spec, spec::NamespaceType::cgroup);
    const auto mount = std::ranges::find_if(spec->mounts, is_writable_cgroup);
    if (host.rootless() || cgroup == nullptr || !cgroup->path.empty() || mount == spec->mounts.end()) return;
    const auto owner = host_id(*spec, spec.process().user.uid);
    if (owner) timeline.host(plan::DelegateCgroup{*owner}, cat("/mounts/", mount - spec->mounts.begin()));
}

namespace {

// Without the kernel's list, the files that config-linux.md names in "Cgroup ownership".
std::string delegable_files() {
    const auto list = read_kernel_file(sys::here, "/sys/kernel/cgroup/delegate");
    return list ? *list : "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
}

}  // namespace

Result<> delegate(int cgroup_fd, uid_t owner) {
    TRY(sys::change_owner_at(cgroup_fd, "", owner));
    const std::string files = delegable_files();
    for (const std::string_view name : split(files, '\n')) {
        if (name.empty() || name.find('/') != std::string_view::npos) continue;
        auto changed = sys::change_owner_at(cgroup_fd, std::string(name), owner);
        if (!changed && changed.error().err != ENOENT) return changed;
    }
    return {};
}

}  // namespace bulkhead::cgroups
