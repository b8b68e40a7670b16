// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_mounts.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <array>

namespace bulkhead::rootfs {

using plan::TimelineBuilder;

namespace {

std::string mount_pointer(std::size_t index) { return cat("/mounts/", index); }

// Files below /proc that lxcfs puts in place of the kernel's; everything else there is refused, because the
// container's /proc must be the kernel's (CVE-2019-16884, CVE-2025-52881).
constexpr std::array files_below_proc{
    std::string_view("proc/cpuinfo"),
    std::string_view("proc/diskstats"),
    std::string_view("proc/loadavg"),
    std::string_view("proc/meminfo"),
    std::string_view("proc/slabinfo"),
    std::string_view("proc/stat"),
    std::string_view("proc/swaps"),
    std::string_view("proc/sys/crypto/fips_enabled"),
    std::string_view("proc/sys/kernel/ns_last_pid"),
    std::string_view("proc/uptime"),
};
static_assert(std::ranges::is_sorted(files_below_proc));

Result<> check_target(const std::string& target, bool procfs, const std::string& pointer) {
    const auto refuse = [&](std::string_view why) {
        return fail(Kind::invalid_config, "config.json: ", pointer, "/destination: ", quoted("/" + target),
                    why);
    };
    if (target.empty()) return refuse(" cannot be mounted over: it is the root itself");
    if (target == "proc" && !procfs) return refuse(" cannot be mounted because it is not of type proc");
    const bool below_proc = target.starts_with("proc/");
    if (below_proc && !std::ranges::binary_search(files_below_proc, std::string_view(target)))
        return refuse(" cannot be mounted because it is inside /proc");
    return {};
}

// linux.mountLabel, SELinux's label of everything in the file system. procfs, sysfs and cgroup2 have labels
// of their own, as with runc; of mqueue the root alone is labelled.
std::optional<std::string> label_option(const std::string& type, const std::string& label) {
    if (label.empty() || type == "proc" || type == "sysfs" || type == "cgroup2") return std::nullopt;
    return cat(type == "mqueue" ? "rootcontext=" : "context=", label);
}

// True if steps after mount `index` make files in it, so that it can be read-only only after them. If a later
// mount covers the same place, nothing is made in it.
bool is_filled_later(const spec::Spec& spec, std::size_t index) {
    const std::string target = cleaned(spec.mounts[index].destination);
    bool filled = target == "dev" || is_below(cleaned(spec.process->cwd), target) ||
                  cleaned(spec.process->cwd) == target;
    for (std::size_t i = index + 1; i < spec.mounts.size(); ++i) {
        const std::string other = cleaned(spec.mounts[i].destination);
        if (other == target) return false;
        if (is_below(other, target)) filled = true;
    }
    for (const spec::Device& device : spec.linux.devices)
        if (is_below(cleaned(device.path), target)) filled = true;
    return filled;
}

bool is_read_only(const plan::MountAttributes& attributes) {
    const std::uint32_t own = (attributes.set & ~attributes.clear_tree) | attributes.set_tree;
    return (own & MOUNT_ATTR_RDONLY) != 0;
}

// File systems whose content the kernel makes, or that nobody else has. A hierarchy of cgroups has no rename.
constexpr std::array own_filesystems{std::string_view("cgroup2"), std::string_view("devpts"),
                                     std::string_view("mqueue"),  std::string_view("proc"),
                                     std::string_view("sysfs"),   std::string_view("tmpfs")};
static_assert(std::ranges::is_sorted(own_filesystems));

Names names_in(const std::string& type) {
    const bool own = std::ranges::binary_search(own_filesystems, std::string_view(type));
    return own ? Names::steady : Names::shared;
}

// size= or nr_blocks= of tmpfs(5); the kernel checks the value.
bool has_size(const std::vector<std::string>& data) {
    return std::ranges::any_of(data, [](const std::string& option) {
        return option.starts_with("size=") || option.starts_with("nr_blocks=");
    });
}

void plan_filesystem(TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec, std::size_t index,
                     const Trees& trees, const std::string& target) {
    const spec::Mount& mount = spec.mounts[index];
    const auto& [options, type, tree, shows_cgroups] = trees.mounts[index];
    const plan::MountAttributes& wanted = options.attributes;
    std::uint32_t attributes = (wanted.set & ~wanted.clear_tree) | wanted.set_tree;
    if (is_late_read_only(spec, trees, index)) attributes &= ~std::uint32_t{MOUNT_ATTR_RDONLY};
    std::vector<std::string> data = options.data;
    if (auto label = label_option(type, spec.linux.mount_label)) data.push_back(std::move(*label));
    const bool kernel_tree = type == "proc" || type == "sysfs";
    const bool kept = layout.is_kept(target);
    const plan::Path place = layout.target(timeline, target, true, mount_pointer(index));
    timeline.init(plan::MountFilesystem{.type = timeline.text(type),
                                        .source = timeline.text(mount.source.empty() ? type : mount.source),
                                        .target = place,
                                        .options = timeline.texts(data),
                                        .propagation = timeline.numbers(options.propagation),
                                        .attributes = attributes,
                                        .anchor = layout.attached(timeline, target, {names_in(type), kept},
                                                                  mount_pointer(index)),
                                        .plain_target_only = kernel_tree,
                                        .inherit_mode = type == "tmpfs",
                                        .copy_up = options.copy_up,
                                        .sized = has_size(options.data),
                                        .kept = kept},
                  mount_pointer(index));
}

// Attributes that are not named stay as they are, as with mount(8): runc clears them (mount(2)), and so takes
// nosuid from a mount that only has to become read-only.
void plan_remount(TimelineBuilder& timeline, const Layout& layout, const MountOptions& options,
                  const std::string& target, std::string pointer) {
    const plan::Path place = layout.place(timeline, target);
    if (options.bind) {
        timeline.init(plan::RemountBind{.target = place,
                                        .propagation = timeline.numbers(options.propagation),
                                        .attributes = options.attributes},
                      std::move(pointer));
        return;
    }
    std::vector<std::string> data = options.data;
    if ((options.attributes.set & MOUNT_ATTR_RDONLY) != 0) data.emplace_back("ro");
    if ((options.attributes.clear & MOUNT_ATTR_RDONLY) != 0) data.emplace_back("rw");
    timeline.init(plan::Remount{.target = place,
                                .options = timeline.texts(data),
                                .propagation = timeline.numbers(options.propagation),
                                .attributes = options.attributes},
                  std::move(pointer));
}

void plan_tree(TimelineBuilder& timeline, Layout& layout, const PlannedMount& mount,
               const std::string& target, const std::string& pointer) {
    plan_attachment(timeline, layout, *mount.tree, target, pointer);
    if (mount.shows_cgroups) plan_protection(timeline, layout, cgroups_in(target), pointer);
}

}  // namespace

std::string cgroups_in(const std::string& sysfs) { return sysfs + "/fs/cgroup"; }

bool is_late_read_only(const spec::Spec& spec, const Trees& trees, std::size_t index) {
    const PlannedMount& mount = trees.mounts[index];
    return !mount.tree && !mount.options.remount && mount.type == "tmpfs" &&
           is_read_only(mount.options.attributes) && is_filled_later(spec, index);
}

// A page for the directory and some more: a container that makes it writable can fill this much.
void plan_notify_socket(TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec,
                        const MountInputs& inputs) {
    if (!inputs.notify) return;
    std::vector<std::string> options{"mode=755", "size=16k", "nr_inodes=16"};
    if (auto label = label_option("tmpfs", spec.linux.mount_label)) options.push_back(std::move(*label));
    const plan::Path target = layout.target(timeline, notify_path, true, {});
    timeline.init(plan::MountNotifySocket{
        .socket = *inputs.notify,
        .target = target,
        .options = timeline.texts(options),
        .anchor = layout.attached(timeline, notify_path, {Names::steady, false}, {})});
}

void plan_protection(TimelineBuilder& timeline, Layout& layout, const std::string& path,
                     const std::string& pointer) {
    const plan::Path place = layout.target(timeline, path, false, pointer);
    timeline.init(plan::ProtectPath{place, layout.protected_path(timeline, path, pointer)}, pointer);
}

Result<> plan_mounts(TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec, const Trees& trees) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const PlannedMount& mount = trees.mounts[i];
        const std::string target = cleaned(spec.mounts[i].destination);
        const bool procfs = mount.options.remount || (!mount.options.bind && mount.type == "proc");
        TRY(check_target(target, procfs, mount_pointer(i)));
        if (mount.options.remount)
            plan_remount(timeline, layout, mount.options, target, mount_pointer(i));
        else if (mount.tree)
            plan_tree(timeline, layout, mount, target, mount_pointer(i));
        else
            plan_filesystem(timeline, layout, spec, i, trees, target);
    }
    return {};
}

void plan_late_read_only(TimelineBuilder& timeline, const Layout& layout, const spec::Spec& spec,
                         const Trees& trees) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i)
        if (is_late_read_only(spec, trees, i))
            timeline.init(
                plan::RemountBind{.target = layout.place(timeline, cleaned(spec.mounts[i].destination)),
                                  .propagation = {},
                                  .attributes = {.set = MOUNT_ATTR_RDONLY}},
                mount_pointer(i));
}

}  // namespace bulkhead::rootfs
