// SPDX-License-Identifier: Apache-2.0
// Paths below the container's root, resolved by the kernel with the root as "/": a link in an image can lead
// anywhere in the image and nowhere else. The result is a descriptor; no path is walked a second time
// (CVE-2021-30465, CVE-2024-45310). Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

// O_PATH descriptor of `path`, or -errno. Magic links never resolve. `plain`: no link of any kind resolves.
long open_in_root(int root, const char* path, bool plain = false);

// Like open_in_root, but makes what is missing: directories (0755), and as the last component a directory or
// an empty file. `made` says whether the last component was missing.
enum class Missing : unsigned char { directory, file };
struct Target {
    long fd = -1;  // or -errno
    plan::Call call = plan::Call::openat2;
    bool made = false;
};
Target make_in_root(int root, const char* path, Missing missing, bool plain = false);

// Whether an open mount target lies in a procfs that the planner did not mean by this path: what a container
// sees as /proc must be the kernel's, however an image leads there (CVE-2019-16884).
bool strays_into_procfs(int target, const char* path);

// The open parent directory of `path` and the start of its last component.
struct Place {
    long directory = -1;  // or -errno
    const char* name = nullptr;
};
Place parent_in_root(int root, const char* path);

}  // namespace bulkhead::rootfs
