// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan.hpp"

#include <linux/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace bulkhead::rootfs {

using plan::TimelineBuilder;

namespace {

std::string mount_pointer(std::size_t index) { return cat("/mounts/", index); }

// "/a//b/./c/../d" -> "a/b/d": relative to the root, which ".." does not leave.
std::string cleaned(std::string_view path) {
    std::vector<std::string> kept;
    for (const std::string_view name : split(path, '/')) {
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (!kept.empty()) kept.pop_back();
            continue;
        }
        kept.emplace_back(name);
    }
    return join(kept, "/");
}

// Files below /proc that lxcfs puts in place of the kernel's; everything else there is refused, since what a
// container sees as /proc must be the kernel's (CVE-2019-16884, CVE-2025-52881).
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

// "cgroup" means the hierarchy there is: cgroup2, rooted at the container's cgroup namespace.
std::string_view filesystem_type(const spec::Mount& mount) {
    return mount.type == "cgroup" ? std::string_view("cgroup2") : std::string_view(mount.type);
}

void plan_filesystem(TimelineBuilder& timeline, const spec::Mount& mount, const MountOptions& options,
                     const std::string& target, const std::string& pointer) {
    const std::string_view type = filesystem_type(mount);
    const bool kernel_tree = type == "proc" || type == "sysfs";
    timeline.init(plan::MountFilesystem{.type = timeline.text(type),
                                        .source = timeline.text(mount.source.empty() ? type : mount.source),
                                        .target = timeline.text(target),
                                        .options = timeline.texts(options.data),
                                        .attributes = options.set,
                                        .plain_target_only = kernel_tree ? 1u : 0u,
                                        .inherit_mode = type == "tmpfs" ? 1u : 0u},
                  pointer);
}

Result<> plan_mounts(TimelineBuilder& timeline, const spec::Spec& spec, const Trees& trees) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const spec::Mount& mount = spec.mounts[i];
        const std::string pointer = mount_pointer(i);
        const std::string target = cleaned(mount.destination);
        TRY(check_target(target, !trees.options[i].bind && mount.type == "proc", pointer));
        if (trees.binds[i])
            timeline.init(plan::AttachTree{.tree = *trees.binds[i], .target = timeline.text(target)},
                          pointer);
        else
            plan_filesystem(timeline, mount, trees.options[i], target, pointer);
    }
    return {};
}

// A /dev that comes from elsewhere as a whole brings its own nodes (runc does the same).
bool dev_is_bound(const spec::Spec& spec, const Trees& trees) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i)
        if (trees.options[i].bind && cleaned(spec.mounts[i].destination) == "dev") return true;
    return false;
}

struct Node {
    std::string_view path;
    std::uint32_t major, minor;
};
// config-linux.md, "Default Devices"
constexpr std::array default_nodes{Node{"dev/null", 1, 3},   Node{"dev/zero", 1, 5},
                                   Node{"dev/full", 1, 7},   Node{"dev/tty", 5, 0},
                                   Node{"dev/random", 1, 8}, Node{"dev/urandom", 1, 9}};

struct Link {
    std::string_view path, target;
};
// runtime-linux.md, "Dev symbolic links", and the ptmx of the container's own devpts
constexpr std::array default_links{Link{"dev/fd", "/proc/self/fd"}, Link{"dev/stdin", "/proc/self/fd/0"},
                                   Link{"dev/stdout", "/proc/self/fd/1"},
                                   Link{"dev/stderr", "/proc/self/fd/2"}, Link{"dev/ptmx", "pts/ptmx"}};
constexpr Link core_link{"dev/core", "/proc/kcore"};

void plan_devices(TimelineBuilder& timeline) {
    timeline.init(plan::MakeDirectory{timeline.text("dev")});
    for (const Node& node : default_nodes)
        timeline.init(plan::MakeDevice{.path = timeline.text(node.path),
                                       .mode = S_IFCHR | 0666,
                                       .major = node.major,
                                       .minor = node.minor,
                                       .uid = 0,
                                       .gid = 0});
    for (const Link& link : default_links)
        timeline.init(plan::MakeLink{timeline.text(link.path), timeline.text(link.target)});
    timeline.init(plan::MakeLink{timeline.text(core_link.path), timeline.text(core_link.target)});
}

void plan_terminal(TimelineBuilder& timeline, const spec::Process& process) {
    const spec::ConsoleSize size = process.console_size.value_or(spec::ConsoleSize{});
    timeline.init(plan::OpenTerminal{.uid = process.user.uid, .rows = size.height, .columns = size.width},
                  "/process/terminal");
}

// Masks win over read-only clones of a parent, so they come last; a path named twice is done once.
void plan_paths(TimelineBuilder& timeline, const spec::Linux& linux) {
    for (std::size_t i = 0; i < linux.readonly_paths.size(); ++i)
        timeline.init(plan::ProtectPath{timeline.text(linux.readonly_paths[i])},
                      cat("/linux/readonlyPaths/", i));
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; i < linux.masked_paths.size(); ++i) {
        const std::string& path = linux.masked_paths[i];
        if (std::ranges::find(seen, path) != seen.end()) continue;
        seen.push_back(path);
        timeline.init(plan::MaskPath{timeline.text(path)}, cat("/linux/maskedPaths/", i));
    }
}

plan::Slot clone(TimelineBuilder& timeline, const std::string& path, const MountOptions& options,
                 std::string pointer) {
    const plan::Slot slot = timeline.slot();
    timeline.host(plan::CloneTree{path, slot, options.recursive, options.set, options.clear},
                  std::move(pointer));
    return slot;
}

// What of the host is cloned for a mount; nothing where it is a new file system. Without a cgroup namespace
// cgroup2 would show the whole hierarchy of the host, so the container's own cgroup is bound there, as runc
// does.
std::optional<std::string> source_of(const spec::Mount& mount, const MountOptions& options,
                                     const Places& places) {
    if (options.bind)
        return mount.source.starts_with('/') ? mount.source : cat(places.bundle, '/', mount.source);
    if (filesystem_type(mount) == "cgroup2" && !places.own_cgroup_namespace) return places.cgroup;
    return std::nullopt;
}

}  // namespace

Result<Trees> plan_trees(TimelineBuilder& timeline, const spec::ValidSpec& spec, const Places& places) {
    constexpr MountOptions whole_tree{.bind = true, .recursive = true, .set = 0, .clear = 0, .data = {}};
    Trees trees;
    trees.root = clone(timeline, places.root, whole_tree, "/root/path");
    for (std::size_t i = 0; i < spec->mounts.size(); ++i) {
        const spec::Mount& mount = spec->mounts[i];
        LET(MountOptions options, parse_options(mount.options, mount_pointer(i) + "/options"));
        const auto source = source_of(mount, options, places);
        trees.binds.push_back(source ? std::optional(clone(timeline, *source, options, mount_pointer(i)))
                                     : std::nullopt);
        trees.options.push_back(std::move(options));
    }
    return trees;
}

Result<> plan_inside(TimelineBuilder& timeline, const spec::ValidSpec& spec, const Trees& trees) {
    timeline.init(plan::IsolateMounts{});
    timeline.init(plan::AttachRoot{trees.root}, "/root/path");
    TRY(plan_mounts(timeline, *spec, trees));
    if (!dev_is_bound(*spec, trees)) plan_devices(timeline);
    if (spec.process().terminal) plan_terminal(timeline, spec.process());
    if (const std::string cwd = cleaned(spec.process().cwd); !cwd.empty())
        timeline.init(plan::MakeDirectory{timeline.text(cwd)}, "/process/cwd");
    plan_paths(timeline, spec->linux);
    if (spec.root().readonly) timeline.init(plan::ProtectRoot{}, "/root/readonly");
    timeline.init(plan::PivotRoot{trees.root}, "/root/path");
    return {};
}

}  // namespace bulkhead::rootfs
