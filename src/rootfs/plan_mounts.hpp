// SPDX-License-Identifier: Apache-2.0
// The mounts of the config: a bind mount is a tree that is cloned before anything is attached, and everything
// else a new file system. Pure, like plan.hpp.
#pragma once

#include <string>
#include <string_view>

#include "rootfs/plan.hpp"

namespace bulkhead::rootfs {

inline constexpr const char* notify_path = "run/notify";

// Init lane: /run/notify with MountInputs::notify in it, if there is one.
void plan_notify_socket(plan::TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec,
                        const MountInputs& inputs);

// Init lane: the mounts in the config's order. Errors: a mount over the root or below /proc that is none of
// those lxcfs makes.
Result<> plan_mounts(plan::TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec,
                     const Trees& trees);

// Init lane: a path becomes read-only, with all that is mounted below it.
void plan_protection(plan::TimelineBuilder& timeline, Layout& layout, const std::string& path,
                     const std::string& pointer);

// Init lane, after whatever makes files in them: tmpfs of the config that are read-only in the end.
void plan_late_read_only(plan::TimelineBuilder& timeline, const Layout& layout, const spec::Spec& spec,
                         const Trees& trees);
bool is_late_read_only(const spec::Spec& spec, const Trees& trees, std::size_t index);

// The path of the cgroups in a tree that shows them.
std::string cgroups_in(const std::string& sysfs);

}  // namespace bulkhead::rootfs
