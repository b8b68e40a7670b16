// SPDX-License-Identifier: Apache-2.0
// The device nodes and links of /dev, and linux.devices. A node is made, or, where mknod(2) is refused, the
// host's node of the same name is bound. Pure, like plan.hpp.
#pragma once

#include "rootfs/plan.hpp"

namespace bulkhead::rootfs {

// True if /dev comes from elsewhere as a whole; then it brings its own nodes (runc does the same).
bool dev_is_bound(const spec::Spec& spec, const Trees& trees);

// Which nodes the container gets; those that are bound are cloned. `whole_dev`: see dev_is_bound. Errors: a
// path that is the root or inside /proc.
Result<std::vector<DeviceNode>> plan_device_trees(Cloner& clone, const spec::Spec& spec,
                                                  const MountInputs& inputs, bool whole_dev);

// Init lane: nodes and links.
void plan_devices(plan::TimelineBuilder& timeline, Layout& layout, const spec::Spec& spec,
                  const Trees& trees);

// The default links, and what the absolute ones lead to.
std::vector<std::string> linked_paths();

}  // namespace bulkhead::rootfs
