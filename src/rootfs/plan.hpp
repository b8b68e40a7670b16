// SPDX-License-Identifier: Apache-2.0
// Plans the steps that make the container's file system. Pure: reads the spec, appends to the timeline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "rootfs/cloner.hpp"
#include "rootfs/device_node.hpp"
#include "rootfs/options.hpp"
#include "rootfs/plan_overlay.hpp"
#include "spec/validate.hpp"

namespace bulkhead::rootfs {

// Paths of the host, and facts that the mounts depend on.
struct MountInputs {
    std::string bundle;  // absolute, as the next
    std::string root;
    std::string cgroup;                 // the container's own
    bool own_cgroup_namespace = false;  // a mount of cgroup2 shows only that cgroup then
    bool clones_inside = false;         // rootless: only the stage, in its user namespace, may clone
    std::optional<plan::Slot> ipc;      // the ipc namespace that is joined
    OverlayGrants overlay_grants;       // where the directories of an overlay may be
    bool no_pivot = false;              // chroot instead of pivot_root
    std::string root_place;             // where hooks find the root; empty: over "/"
    std::optional<plan::Slot> notify;   // the socket that is bound to /run/notify; none: no such bind
    bool own_mounts = true;             // the container has a mount namespace
    plan::HostFacts host{};             // what it can do
};

// A mount of the config, its option words read once and its source found.
struct PlannedMount {
    MountOptions options;
    std::string type;            // of the new file system, if `tree` is empty
    std::optional<Tree> tree;    // what is attached
    bool shows_cgroups = false;  // a tree with cgroups in it that are not the container's
};

// The trees that are cloned before anything of the container is mounted.
struct Trees {
    Tree root;                         // without a mount namespace: the directory itself
    std::vector<PlannedMount> mounts;  // those of the config
    std::vector<InnerClone> inner;     // none if the host clones
    std::optional<Overlay> overlay;    // then `root` is none
    std::vector<DeviceNode> devices;   // made, or bound if they have a tree
};

// Host lane: clones the root and each bind source. If the stage has to clone, plan_content says so to it.
// Errors name the mount's options, the overlay's annotation or the device's path.
Result<Trees> plan_trees(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                         const MountInputs& inputs);

// True if the root of a container without a mount namespace gets a mount of its own, which `delete` removes:
// the container has mounts.
bool binds_root(const spec::Spec& spec, const MountInputs& inputs);

// exec into a container without a mount namespace: the process gets its root, which the host has opened.
void plan_shared_root(plan::TimelineBuilder& timeline, plan::Slot root);

// True if a user namespace stands between the container and the host: then mknod(2) is refused, and an
// overlay keeps its marks in user.* attributes.
bool in_user_namespace(const spec::Spec& spec, const plan::HostFacts& host);

// Init lane, after the entry into a container: a terminal of its own, or its own null device in the place of
// the caller's.
void plan_joined_stdio(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                       const plan::HostFacts& host);

// Init lane, everything that hooks of the creation find: the root, mounts in the config's order, devices and
// links, terminal, working directory. Errors: a mount below /proc that is none of those lxcfs makes.
Result<Layout> plan_content(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                            const MountInputs& inputs, const Trees& trees);

// Init lane, after that: read-only mounts, paths and root, masks, and pivot_root, which removes the host's
// root.
void plan_seal(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const MountInputs& inputs,
               const Trees& trees, Layout layout);

}  // namespace bulkhead::rootfs
