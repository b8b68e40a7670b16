// SPDX-License-Identifier: Apache-2.0
// Changes attributes and propagation of the stage's mounts: with mount_setattr(2), or with mount(2) after
// OpenSelf. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

struct Change {
    plan::MountAttributes attributes{};
    plan::Numbers propagation{};
};

inline bool changes_by_name(const plan::StageContext& stage) { return stage.self >= 0; }

// Changes an attached mount: its own attributes, then those of its tree, which win, then its propagation.
// After OpenSelf a tree may have 1024 mounts (EOVERFLOW), and the path of each must lead to it (EBUSY,
// ENOENT): it does not if somebody moves directories meanwhile, or if a mount covers others.
plan::Outcome change_mount(const plan::StageContext& stage, int mount, const Change& change);

// Attaches a detached mount at an open target, changed before anybody but the stage can see it.
plan::Outcome attach_changed(const plan::StageContext& stage, int mount, int target, const Change& change);

// ---- after OpenSelf (init_change_by_name.cpp, init_change_tree.cpp) --------------------------

// Gives one attached mount these MOUNT_ATTR_* and no others.
long remount_as(const plan::StageContext& stage, int mount, std::uint32_t attributes);
// set_tree and clear_tree, of an attached mount and all that are mounted below it.
plan::Outcome change_tree_by_name(const plan::StageContext& stage, int mount,
                                  const plan::MountAttributes& wanted);
plan::Outcome change_mount_by_name(const plan::StageContext& stage, int mount, const Change& change);
plan::Outcome attach_changed_by_name(const plan::StageContext& stage, int mount, int target,
                                     const Change& change);

}  // namespace bulkhead::rootfs
