// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan.hpp"

#include <sys/mount.h>

#include <algorithm>

#include "rootfs/plan_devices.hpp"
#include "rootfs/plan_mounts.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::rootfs {

using plan::TimelineBuilder;

namespace {

constexpr const char* null_device = "dev/null";
constexpr const char* terminals = "dev/pts";
constexpr const char* console_path = "dev/console";

void add(std::vector<std::string>& paths, const std::vector<std::string>& given) {
    std::ranges::transform(given, std::back_inserter(paths), cleaned);
}

// The paths that are attached, protected or masked.
std::vector<std::string> joint_paths(const spec::Spec& spec, const MountInputs& inputs, const Trees& trees) {
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i)
        if (!trees.mounts[i].options.remount) paths.push_back(cleaned(spec.mounts[i].destination));
    if (inputs.notify) paths.emplace_back(notify_path);
    add(paths, spec.linux.readonly_paths);
    add(paths, spec.linux.masked_paths);
    std::ranges::sort(paths);
    const auto rest = std::ranges::unique(paths);
    paths.erase(rest.begin(), rest.end());
    return paths;
}

// Every path that a step names, once for each step.
std::vector<std::string> used_paths(const spec::Spec& spec, const Trees& trees) {
    std::vector<std::string> paths = linked_paths();
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const std::string target = cleaned(spec.mounts[i].destination);
        paths.push_back(target);
        if (trees.mounts[i].shows_cgroups) paths.push_back(cgroups_in(target));
        if (is_late_read_only(spec, trees, i)) paths.push_back(target);
    }
    for (const DeviceNode& node : trees.devices) paths.push_back(node.path);
    for (const char* path : {null_device, console_path, notify_path}) paths.emplace_back(path);
    if (spec.process->terminal) paths.emplace_back(terminals);
    paths.push_back(cleaned(spec.process->cwd));
    add(paths, spec.linux.readonly_paths);
    add(paths, spec.linux.masked_paths);
    return paths;
}

// The root itself: a clone of the host's directory, or layers.
void plan_root(TimelineBuilder& timeline, const spec::Spec& spec, const MountInputs& inputs,
               const Trees& trees) {
    if (!inputs.own_mounts) {
        timeline.init(plan::TakeRoot{trees.root.slot}, "/root/path");
        return;
    }
    if (!trees.overlay) {
        timeline.init(plan::AttachRoot{.tree = trees.root.slot,
                                       .place = timeline.text(inputs.root_place),
                                       .propagation = timeline.numbers(trees.root.propagation)},
                      "/root/path");
        return;
    }
    timeline.init(
        plan::MountOverlay{
            .lower = timeline.texts(pairs_of(trees.overlay->lower)),
            .upper = timeline.texts(pairs_of(trees.overlay->upper)),
            .size = timeline.text(trees.overlay->size),
            .place = timeline.text(inputs.root_place),
            .user_xattr = in_user_namespace(spec, inputs.host),
            .by_parameter = inputs.host.kernel_at_least(6, 7),
        },
        trees.overlay->lower.front().pointer);
}

// The terminal has the size of the caller's from the start, because a program may ask before a size is passed
// on.
void plan_terminal(TimelineBuilder& timeline, Layout& layout, const spec::Process& process,
                   const plan::HostFacts& host, bool console) {
    const char* const pointer = "/process/terminal";
    spec::ConsoleSize size = process.console_size.value_or(spec::ConsoleSize{});
    if (host.rows != 0 || host.columns != 0) size = {.height = host.rows, .width = host.columns};
    timeline.init(plan::OpenTerminal{.uid = process.user.uid,
                                     .rows = static_cast<std::uint16_t>(size.height.value_or(0)),
                                     .columns = static_cast<std::uint16_t>(size.width.value_or(0)),
                                     .terminals = layout.place(timeline, terminals)},
                  pointer);
    if (!console) return;
    const plan::Path place = layout.place(timeline, console_path);
    timeline.init(
        plan::MountConsole{place, layout.attached(timeline, console_path, {Names::shared, false}, pointer)},
        pointer);
}

void plan_stdio(TimelineBuilder& timeline, Layout& layout, const spec::Process& process,
                const plan::HostFacts& host, bool console) {
    if (process.terminal)
        plan_terminal(timeline, layout, process, host, console);
    else
        timeline.init(plan::ReplaceNull{layout.entry(timeline, null_device)});
}

// Masks win over read-only clones of a parent, so they come last; a path named twice is done once.
void plan_paths(TimelineBuilder& timeline, Layout& layout, const spec::Linux& linux) {
    for (std::size_t i = 0; i < linux.readonly_paths.size(); ++i)
        plan_protection(timeline, layout, cleaned(linux.readonly_paths[i]), cat("/linux/readonlyPaths/", i));
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < linux.masked_paths.size(); ++i) {
        const std::string path = cleaned(linux.masked_paths[i]), pointer = cat("/linux/maskedPaths/", i);
        if (std::ranges::find(seen, path) != seen.end()) continue;
        seen.push_back(path);
        const plan::Path place = layout.target(timeline, path, false, pointer);
        const plan::Path null = layout.place(timeline, null_device);
        timeline.init(plan::MaskPath{place, null, layout.masked(timeline, path, pointer)}, pointer);
    }
}

// A read-only clone of a path whose names a neighbour can change takes along what is mounted below, as mounts
// of their own; and hooks may mount over anything. So the earlier mounts are compared before that.
bool is_compared_early(const Layout& layout, const spec::Spec& spec, const MountInputs& inputs) {
    return !inputs.root_place.empty() ||
           std::ranges::any_of(spec.linux.readonly_paths, [&](const std::string& path) {
               return layout.around(cleaned(path)) == Names::shared;
           });
}

// config-linux.md, "Rootfs Mount Propagation": words and numbers are in the same order.
std::uint32_t propagation_flags(spec::Propagation word) {
    constexpr std::uint32_t flags[] = {
        MS_SHARED,  MS_SHARED | MS_REC,  MS_SLAVE,      MS_SLAVE | MS_REC,
        MS_PRIVATE, MS_PRIVATE | MS_REC, MS_UNBINDABLE, MS_UNBINDABLE | MS_REC};
    static_assert(std::size(flags) == static_cast<std::size_t>(spec::Propagation::runbindable) + 1);
    return flags[static_cast<std::size_t>(word)];
}

// The last steps that see the host. Later mounts are removed first, because they may cover earlier ones.
void plan_change(TimelineBuilder& timeline, const MountInputs& inputs) {
    std::vector<std::string> gone = inputs.host.kernel_mounts;
    std::ranges::reverse(gone);
    if (inputs.own_mounts && !inputs.no_pivot) {
        timeline.init(plan::PivotRoot{}, "/root/path");
        return;
    }
    if (inputs.own_mounts && !gone.empty())
        timeline.init(plan::HideKernelMounts{timeline.texts(gone)}, "/root/path");
    if (inputs.own_mounts && !inputs.root_place.empty()) timeline.init(plan::MoveRoot{}, "/root/path");
    timeline.init(plan::ChangeRoot{}, "/root/path");
}

}  // namespace

bool in_user_namespace(const spec::Spec& spec, const plan::HostFacts& host) {
    return host.rootless() || !host.initial_user_namespace ||
           spec::find_namespace(spec, spec::NamespaceType::user) != nullptr;
}

void plan_shared_root(TimelineBuilder& timeline, plan::Slot root) {
    timeline.init(plan::TakeRoot{root}, "/linux/namespaces");
    timeline.init(plan::ChangeRoot{}, "/root/path");
}

void plan_joined_stdio(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host) {
    Layout layout({}, {});  // the container exists already
    plan_stdio(timeline, layout, spec.process(), host, false);
}

Result<Layout> plan_content(TimelineBuilder& timeline, const spec::ValidSpec& spec, const MountInputs& inputs,
                            const Trees& trees) {
    Layout layout(used_paths(*spec, trees), joint_paths(*spec, inputs, trees));
    plan_inner_clones(timeline, trees.inner);
    if (inputs.own_mounts) timeline.init(plan::IsolateMounts{});
    if (inputs.own_mounts && !inputs.host.sets_mount_attributes()) timeline.init(plan::OpenSelf{});
    plan_root(timeline, *spec, inputs, trees);
    TRY(plan_mounts(timeline, layout, *spec, trees));
    plan_notify_socket(timeline, layout, *spec, inputs);
    plan_devices(timeline, layout, *spec, trees);
    plan_stdio(timeline, layout, spec.process(), inputs.host, true);
    if (const std::string cwd = cleaned(spec.process().cwd); !cwd.empty())
        timeline.init(plan::MakeDirectory{layout.place(timeline, cwd)}, "/process/cwd");
    if (is_compared_early(layout, *spec, inputs)) layout.compare(timeline);
    return layout;
}

void plan_seal(TimelineBuilder& timeline, const spec::ValidSpec& spec, const MountInputs& inputs,
               const Trees& trees, Layout layout) {
    plan_late_read_only(timeline, layout, *spec, trees);
    plan_paths(timeline, layout, spec->linux);
    layout.compare(timeline);
    if (spec.root().readonly) timeline.init(plan::ProtectRoot{}, "/root/readonly");
    plan_change(timeline, inputs);
    if (const auto word = spec->linux.rootfs_propagation)
        timeline.init(plan::SetRootPropagation{propagation_flags(*word)}, "/linux/rootfsPropagation");
}

}  // namespace bulkhead::rootfs
