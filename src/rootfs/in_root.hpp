// SPDX-License-Identifier: Apache-2.0
// Paths below the container's root, resolved by the kernel with the root as "/": a link in an image can lead
// anywhere in the image and nowhere else. The result is a descriptor; no path is walked a second time
// (CVE-2021-30465, CVE-2024-45310). A path inside a mount that the stage has attached is resolved beneath
// that mount's descriptor: a neighbour who shares the root may have moved the directory that it is mounted on
// (CVE-2019-19921, CVE-2023-27561). Only a link that leaves the mount is followed from the root, because its
// text is relative to the root. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

// O_PATH descriptor of `path`, or -errno. Magic links never resolve. `plain`: no link of any kind resolves.
long open_in_root(int root, const char* path, bool plain = false);

// Like open_in_root, but makes what is missing: directories (0755), and as the last component a directory or
// an empty file. `made` is true if the last component was missing.
enum class Missing : unsigned char { directory, file };
struct Target {
    long fd = -1;  // or -errno
    plan::Call call = plan::Call::openat2;
    bool made = false;
};
Target make_in_root(int root, const char* path, Missing missing, bool plain = false);

// The path, or as much of it as exists.
long open_nearest_in_root(int root, const char* path);

// True if an open mount target lies in a procfs although its path does not: the container's /proc must be the
// kernel's, whatever links an image has (CVE-2019-16884).
bool strays_into_procfs(int target, const char* path);

// The open parent directory of `path` and the start of its last component.
struct ParentDirectory {
    long directory = -1;  // or -errno
    const char* name = nullptr;
};
ParentDirectory parent_in_root(int root, const char* path);

// ---- the same for a path of the plan --------------------------------------------------------------------

long open_path(const plan::StageContext& stage, plan::Path path, bool plain = false);
Target make_path(const plan::StageContext& stage, plan::Path path, Missing missing, bool plain = false);
ParentDirectory parent_of(const plan::StageContext& stage, plan::Path path);

// A missing path, or one below something that is no directory.
bool is_missing(long fd);

}  // namespace bulkhead::rootfs
