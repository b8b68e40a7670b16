// SPDX-License-Identifier: Apache-2.0
// The first call of a new mount. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

// fsopen(2), or -errno. A procfs shows the pid namespace that its maker is in, and the stage is not in one
// that it joined: only its children are.
long open_filesystem(const plan::StageContext& stage, const char* type);

// The same for a procfs of the joined pid namespace. Before 6.17 the only way: a child is there for this one
// call.
long open_procfs_by_child(const plan::StageContext& stage);

}  // namespace bulkhead::rootfs
