// SPDX-License-Identifier: Apache-2.0
// The device nodes and links of /dev, and linux.devices. The stage makes a node or, if mknod(2) is refused,
// binds the host's node of the same name. Pure, like plan.hpp.
#pragma once

#include "rootfs/plan.hpp"

namespace bulkhead::rootfs {

// True if a mount replaces the whole /dev; that brings its own nodes (runc does the same).
bool dev_is_bound(const spec::Spec& spec, const Trees& trees);

// The nodes of the container; a node that is bound gets its clone. `whole_dev`: see dev_is_bound. Errors: a
// path that is the root or inside /proc.
Result<std::vector<DeviceNode>> plan_device_trees(Cloner& clone, const spec::Spec& spec,
                                                  const MountInputs& inputs, bool whole_dev);

// Init lane: nodes and links.
void plan_devices(plan::TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec,
                  const Trees& trees);

// The default links, and the targets of the absolute ones.
std::vector<std::string> linked_paths();

}  // namespace bulkhead::rootfs
