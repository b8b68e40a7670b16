// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_devices.hpp"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "rootfs/plan_mounts.hpp"

namespace bulkhead::rootfs {

using plan::TimelineBuilder;

namespace {

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
constexpr std::array default_links{
    Link{"dev/fd", "/proc/self/fd"},       Link{"dev/stdin", "/proc/self/fd/0"},
    Link{"dev/stdout", "/proc/self/fd/1"}, Link{"dev/stderr", "/proc/self/fd/2"},
    Link{"dev/ptmx", "pts/ptmx"},          Link{"dev/core", "/proc/kcore"}};

constexpr std::uint32_t default_mode = 0666, permission_bits = 07777;
// A device stays writable on a read-only mount; the mode and owner of the host's node do not.
constexpr plan::MountAttributes bound_attributes{.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                                        MOUNT_ATTR_NOEXEC};

std::uint32_t kind_of(spec::DeviceType type) {
    switch (type) {
        case spec::DeviceType::block: return S_IFBLK;
        case spec::DeviceType::fifo: return S_IFIFO;
        case spec::DeviceType::character:
        case spec::DeviceType::unbuffered: break;
    }
    return S_IFCHR;
}

Result<> check_place(const DeviceNode& node, const std::string& given) {
    if (node.path.empty())
        return fail(Kind::invalid_config, "config.json: ", node.pointer, "/path: ", quoted(given),
                    ": is the root of the container");
    if (node.path == "proc" || node.path.starts_with("proc/"))
        return fail(Kind::invalid_config, "config.json: ", node.pointer, "/path: ", quoted(given),
                    ": cannot be made because it is inside /proc");
    return {};
}

// The type in fileMode is ignored, as in runc: engines send a whole st_mode.
DeviceNode node_of(const spec::Device& device, std::size_t index) {
    return {.path = cleaned(device.path),
            .mode = kind_of(device.type) | (device.file_mode.value_or(default_mode) & permission_bits),
            .major = device.major.value_or(0),
            .minor = device.minor.value_or(0),
            .uid = device.uid.value_or(0),
            .gid = device.gid.value_or(0),
            .pointer = cat("/linux/devices/", index)};
}

bool is_in_dev(const DeviceNode& node) { return node.path.starts_with("dev/"); }

// The config's nodes come before the default ones, and replace those with the same path.
Result<std::vector<DeviceNode>> wanted_nodes(const spec::Spec& spec, bool whole_dev) {
    std::vector<DeviceNode> nodes;
    for (std::size_t i = 0; i < spec.linux.devices.size(); ++i) {
        DeviceNode node = node_of(spec.linux.devices[i], i);
        TRY(check_place(node, spec.linux.devices[i].path));
        if (whole_dev && is_in_dev(node)) continue;
        if (S_ISFIFO(node.mode)) node.major = node.minor = 0;
        nodes.push_back(std::move(node));
    }
    for (const Node& each : default_nodes) {
        if (whole_dev || std::ranges::count(nodes, each.path, &DeviceNode::path) != 0) continue;
        nodes.push_back({.path = std::string(each.path),
                         .mode = S_IFCHR | default_mode,
                         .major = each.major,
                         .minor = each.minor});
    }
    return nodes;
}

void make_parent(TimelineBuilder& timeline, const Layout& layout, const DeviceNode& node) {
    const std::size_t slash = node.path.rfind('/');
    if (slash == std::string::npos || node.path.substr(0, slash) == "dev") return;
    timeline.init(plan::MakeDirectory{layout.place(timeline, node.path.substr(0, slash))}, node.pointer);
}

// Nobody has checked what the stage cloned: MakeDevice finds it there and tells if it is the right one.
void plan_node(TimelineBuilder& timeline, Layout& layout, const DeviceNode& node) {
    make_parent(timeline, layout, node);
    if (node.tree) plan_attachment(timeline, layout, *node.tree, node.path, node.pointer);
    if (node.tree && node.verified) return;
    timeline.init(plan::MakeDevice{.path = layout.entry(timeline, node.path),
                                   .mode = node.mode,
                                   .major = node.major,
                                   .minor = node.minor,
                                   .uid = node.uid,
                                   .gid = node.gid},
                  node.pointer);
}

void plan_link(TimelineBuilder& timeline, const Layout& layout, const Link& link) {
    plan::MakeLink made{layout.entry(timeline, link.path), timeline.text(link.target)};
    if (link.target.starts_with('/')) made.source = layout.place(timeline, cleaned(link.target));
    timeline.init(made);
}

// MakeDevice checks what the stage clones.
void bind_node(Cloner& clone, DeviceNode& node) {
    node.verified = !clone.is_inside();
    node.tree = clone(
        {.path = "/" + node.path,
         .attributes = bound_attributes,
         .propagation = {MS_PRIVATE},
         .device =
             plan::DeviceIdentity{.kind = node.mode & S_IFMT, .major = node.major, .minor = node.minor}},
        node.pointer);
}

}  // namespace

bool dev_is_bound(const spec::Spec& spec, const Trees& trees) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i)
        if (trees.mounts[i].options.bind && cleaned(spec.mounts[i].destination) == "dev") return true;
    return false;
}

std::vector<std::string> linked_paths() {
    std::vector<std::string> paths;
    for (const Link& link : default_links) {
        paths.emplace_back(link.path);
        if (link.target.starts_with('/')) paths.push_back(cleaned(link.target));
    }
    return paths;
}

// A named pipe is no device: mknod(2) makes it anywhere.
Result<std::vector<DeviceNode>> plan_device_trees(Cloner& clone, const spec::Spec& spec,
                                                  const MountInputs& inputs, bool whole_dev) {
    LET(auto nodes, wanted_nodes(spec, whole_dev));
    if (!in_user_namespace(spec, inputs.host) || !inputs.own_mounts) return nodes;
    for (DeviceNode& node : nodes)
        if (!S_ISFIFO(node.mode)) bind_node(clone, node);
    return nodes;
}

void plan_devices(TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec, const Trees& trees) {
    const bool own_dev = !dev_is_bound(spec, trees);
    if (own_dev) layout.make_directory(timeline, "dev");
    for (const DeviceNode& node : trees.devices) plan_node(timeline, layout, node);
    if (!own_dev) return;
    for (const Link& link : default_links) plan_link(timeline, layout, link);
}

}  // namespace bulkhead::rootfs
