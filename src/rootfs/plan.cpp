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

// The root itself: a clone of the host's directory, or layers.
void plan_root(TimelineBuilder& timeline, const spec::Spec& spec, const Places& places, const Trees& trees) {
    if (!places.own_mounts) {
        timeline.init(plan::TakeRoot{trees.root.slot}, "/root/path");
        return;
    }
    if (!trees.overlay) {
        timeline.init(plan::AttachRoot{.tree = trees.root.slot,
                                       .place = timeline.text(places.root_place),
                                       .propagation = timeline.numbers(trees.root.propagation)},
                      "/root/path");
        return;
    }
    timeline.init(
        plan::MountOverlay{
            .lower = timeline.texts(pairs_of(trees.overlay->lower)),
            .upper = timeline.texts(pairs_of(trees.overlay->upper)),
            .size = timeline.text(trees.overlay->size),
            .place = timeline.text(places.root_place),
            .user_xattr = in_user_namespace(spec, places.host),
            .by_parameter = places.host.kernel_at_least(6, 7),
        },
        trees.overlay->lower.front().pointer);
}

// As large as the caller's terminal from the start: a program may ask before anybody passes a size on.
void plan_stdio(TimelineBuilder& timeline, const spec::Process& process, const plan::HostFacts& host,
                bool console) {
    spec::ConsoleSize size = process.console_size.value_or(spec::ConsoleSize{});
    if (host.rows != 0 || host.columns != 0) size = {.height = host.rows, .width = host.columns};
    if (process.terminal)
        timeline.init(plan::OpenTerminal{.uid = process.user.uid,
                                         .rows = static_cast<std::uint16_t>(size.height.value_or(0)),
                                         .columns = static_cast<std::uint16_t>(size.width.value_or(0)),
                                         .console = console},
                      "/process/terminal");
    else
        timeline.init(plan::ReplaceNull{});
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

// config-linux.md, "Rootfs Mount Propagation": words and numbers are in the same order.
std::uint32_t propagation_flags(spec::Propagation word) {
    constexpr std::uint32_t flags[] = {
        MS_SHARED,  MS_SHARED | MS_REC,  MS_SLAVE,      MS_SLAVE | MS_REC,
        MS_PRIVATE, MS_PRIVATE | MS_REC, MS_UNBINDABLE, MS_UNBINDABLE | MS_REC};
    static_assert(std::size(flags) == static_cast<std::size_t>(spec::Propagation::runbindable) + 1);
    return flags[static_cast<std::size_t>(word)];
}

// Without a mount namespace: what the host has mounted stays.
void plan_chroot(TimelineBuilder& timeline) {
    timeline.init(plan::ChangeRoot{timeline.texts({}), 0u}, "/root/path");
}

// The last that sees the host. What was mounted later goes first: it may lie over something else.
void plan_change(TimelineBuilder& timeline, const Places& places) {
    std::vector<std::string> gone = places.host.kernel_mounts;
    std::ranges::reverse(gone);
    if (!places.own_mounts)
        plan_chroot(timeline);
    else if (places.no_pivot)
        timeline.init(plan::ChangeRoot{timeline.texts(gone), places.root_place.empty() ? 0u : 1u},
                      "/root/path");
    else
        timeline.init(plan::PivotRoot{}, "/root/path");
}

}  // namespace

bool in_user_namespace(const spec::Spec& spec, const plan::HostFacts& host) {
    return host.rootless() || !host.initial_user_namespace ||
           spec::find_namespace(spec, spec::NamespaceType::user) != nullptr;
}

void plan_shared_root(TimelineBuilder& timeline, plan::Slot root) {
    timeline.init(plan::TakeRoot{root}, "/linux/namespaces");
    plan_chroot(timeline);
}

void plan_joined_stdio(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host) {
    plan_stdio(timeline, spec.process(), host, false);
}

Result<> plan_content(TimelineBuilder& timeline, const spec::ValidSpec& spec, const Places& places,
                      const Trees& trees) {
    plan_inner_clones(timeline, trees.inner);
    if (places.own_mounts) timeline.init(plan::IsolateMounts{});
    if (places.own_mounts && !places.host.sets_mount_attributes()) timeline.init(plan::ChangeMountsByName{});
    plan_root(timeline, *spec, places, trees);
    TRY(plan_mounts(timeline, *spec, trees));
    plan_notify_socket(timeline, *spec, places);
    plan_devices(timeline, *spec, trees);
    plan_stdio(timeline, spec.process(), places.host, true);
    if (const std::string cwd = cleaned(spec.process().cwd); !cwd.empty())
        timeline.init(plan::MakeDirectory{timeline.text(cwd)}, "/process/cwd");
    return {};
}

void plan_seal(TimelineBuilder& timeline, const spec::ValidSpec& spec, const Places& places,
               const Trees& trees) {
    plan_late_read_only(timeline, *spec, trees);
    plan_paths(timeline, spec->linux);
    if (spec.root().readonly) timeline.init(plan::ProtectRoot{}, "/root/readonly");
    plan_change(timeline, places);
    if (const auto word = spec->linux.rootfs_propagation)
        timeline.init(plan::SetRootPropagation{propagation_flags(*word)}, "/linux/rootfsPropagation");
}

}  // namespace bulkhead::rootfs
