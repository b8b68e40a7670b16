// SPDX-License-Identifier: Apache-2.0
// Paths below a directory, with that directory as "/": openat2(2), and where that is refused (some service
// managers answer ENOSYS or EPERM, on any kernel) a walk by single components with the same verdicts.
// Freestanding.
#pragma once

#include <cstdint>

#include "base/raw.hpp"

namespace bulkhead::raw {

// Whether links on the way, and as the last component, are followed. Magic links (those of procfs that lead
// to an object instead of a path) never are.
enum class Links : std::uint8_t { followed, refused };

// Opens `path` below `root`, which neither ".." nor a link leaves. `flags` are those of open(2), without
// O_CREAT and O_NOFOLLOW; O_CLOEXEC is added. A descriptor or -errno: -ELOOP for a link that is refused, and
// for more than 40.
long open_below(int root, const char* path, long flags, Links links = Links::followed);

// The same with the process's root directory as "/".
long open_from_root(const char* path, long flags);

// The walk alone.
long walk_below(int root, const char* path, long flags, Links links = Links::followed);

}  // namespace bulkhead::raw
