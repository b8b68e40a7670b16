// SPDX-License-Identifier: Apache-2.0
// The init walker: one loop over the plan's steps. Freestanding.
#pragma once

#include "plan/wire.hpp"

namespace bulkhead::stage {

// Walks the plan at `bytes` (a private, writable mapping; 8-aligned). `handover` is the number of the first
// descriptor handed over (plan::Handover). Ends in the container's program, or reports and returns the exit
// code.
int walk(char* bytes, int handover);

}  // namespace bulkhead::stage
