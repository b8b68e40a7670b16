// SPDX-License-Identifier: Apache-2.0
// What steps leave behind for later ones: which mount was attached where. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

// Remembers the mount at `fd`, which has just been attached. With `kept` later steps reach what is in it: the
// descriptor is theirs then, so that the caller lets go of it.
plan::Outcome remember(plan::StageContext& stage, plan::Anchor anchor, int fd, bool kept);

// A quarter of a millisecond, for a neighbour who is just exchanging names.
void wait_a_moment();

}  // namespace bulkhead::rootfs
