// SPDX-License-Identifier: Apache-2.0
// Paths below a directory: openat2(2), and if that is refused (some service managers answer ENOSYS or EPERM,
// on any kernel) a walk by single components with the same verdicts. Freestanding.
#pragma once

#include <cstdint>

#include "base/raw.hpp"

namespace bulkhead::raw {

// Opens `path` below `directory`. `flags` are those of open(2), without O_CREAT and O_NOFOLLOW; O_CLOEXEC is
// added. `resolve` is that of openat2(2): RESOLVE_IN_ROOT (the directory is "/") or RESOLVE_BENEATH (a path
// that leaves it is refused), and RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV. RESOLVE_NO_MAGICLINKS always holds. A
// descriptor or -errno: -ELOOP for a link that is refused and for more than 40, -EXDEV for a path that leaves
// the directory or the mount.
long open_below(int directory, const char* path, long flags, std::uint64_t resolve = RESOLVE_IN_ROOT);

// The same for an absolute path and the process's root directory; `resolve` is 0, RESOLVE_NO_SYMLINKS or
// RESOLVE_NO_XDEV.
long open_from_root(const char* path, long flags, std::uint64_t resolve = 0);

// The walk alone.
long walk_below(int directory, const char* path, long flags, std::uint64_t resolve = RESOLVE_IN_ROOT);

}  // namespace bulkhead::raw
