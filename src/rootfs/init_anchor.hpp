// SPDX-License-Identifier: Apache-2.0
// Records which mount was attached where, for later steps. Freestanding.
#pragma once

#include "plan/stage_context.hpp"
#include "rootfs/in_root.hpp"

namespace bulkhead::rootfs {

// Opens the place for a mount. A neighbour that exchanges the place with a link has a directory there half of
// the time, so a refusal is tried again, for a moment.
Target find_target(const plan::StageContext& stage, plan::Path path, Missing missing, bool plain);

// Remembers the mount at `fd`, which has just been attached. With `kept` later steps reach what is in it: the
// descriptor is theirs then, and the caller must not close it.
plan::Outcome remember(plan::StageContext& stage, plan::Anchor anchor, int fd, bool kept);

// A quarter of a millisecond, for a neighbour who is just exchanging names.
void wait_a_moment();

}  // namespace bulkhead::rootfs
