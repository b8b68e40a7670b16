// SPDX-License-Identifier: Apache-2.0
// The mounts of the config: a bind mount is a tree that is cloned before anything is attached, all else a new
// file system. Pure, like plan.hpp.
#pragma once

#include <string>
#include <string_view>

#include "rootfs/plan.hpp"

namespace bulkhead::rootfs {

// "/a//b/./c/../d" -> "a/b/d": relative to the root, which ".." does not leave.
std::string cleaned(std::string_view path);

// Init lane: the mounts in the config's order. Errors: a mount over the root or below /proc that is none of
// those lxcfs makes.
// /run/notify with Places::notify in it, if there is one.
void plan_notify_socket(plan::TimelineBuilder& timeline, const spec::Spec& spec, const Places& places);
Result<> plan_mounts(plan::TimelineBuilder& timeline, const spec::Spec& spec, const Trees& trees);

// Init lane, behind whatever makes files in them: tmpfs of the config that are read-only in the end.
void plan_late_read_only(plan::TimelineBuilder& timeline, const spec::Spec& spec, const Trees& trees);

}  // namespace bulkhead::rootfs
