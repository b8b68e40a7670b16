// SPDX-License-Identifier: Apache-2.0
// Which steps make the container's file system. Pure: reads the spec, appends to the timeline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/timeline.hpp"
#include "rootfs/options.hpp"
#include "spec/validate.hpp"

namespace bulkhead::rootfs {

// Where things are on the host.
struct Places {
    std::string bundle;  // these are absolute
    std::string root;
    std::string cgroup;                 // the container's own
    bool own_cgroup_namespace = false;  // in it, a mount of cgroup2 shows no more than that
};

// The trees that the host clones before SPAWN, and the words of each mount's options, read once.
struct Trees {
    plan::Slot root;
    std::vector<MountOptions> options;             // one per mount of the config
    std::vector<std::optional<plan::Slot>> binds;  // one per mount of the config; none: a new file system
};

// Host lane: clones the root and each bind source. Errors name the mount's options.
Result<Trees> plan_trees(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const Places& places);

// Init lane, up to and with pivot_root: mounts in the config's order, devices and links, terminal, working
// directory, masks, read-only paths and root. Errors: a mount below /proc that is none of those lxcfs makes.
Result<> plan_inside(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const Trees& trees);

}  // namespace bulkhead::rootfs
