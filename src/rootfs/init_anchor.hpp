// SPDX-License-Identifier: Apache-2.0
// What steps leave behind for later ones: which mount was attached where. Freestanding.
#pragma once

#include "plan/stage_context.hpp"
#include "rootfs/in_root.hpp"

namespace bulkhead::rootfs {

// Where something is attached. A neighbour that exchanges the place with a link has a directory there half of
// the time, so a refusal is tried again, for a moment.
Target find_target(const plan::StageContext& stage, plan::Path path, Missing missing, bool plain);

// Remembers the mount at `fd`, which has just been attached. With `kept` later steps reach what is in it: the
// descriptor is theirs then, so that the caller lets go of it.
plan::Outcome remember(plan::StageContext& stage, plan::Anchor anchor, int fd, bool kept);

// A quarter of a millisecond, for a neighbour who is just exchanging names.
void wait_a_moment();

}  // namespace bulkhead::rootfs
