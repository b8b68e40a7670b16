// SPDX-License-Identifier: Apache-2.0
// The path of a container's cgroup: the rules of runc's cgroupfs driver (fs2/defaultpath.go). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// The cgroup v2 path in the text of /proc/self/cgroup (its "0::" line); empty if there is none.
std::string own_path(std::string_view proc_self_cgroup_text);

// The container's cgroup below the mount, "/" in front: /kubepods/pod1/abc. Never the root itself.
//   cgroups_path  linux.cgroupsPath. Absolute: below the mount. Relative: below the parent of `own_path`,
//                 because the runtime's own cgroup holds processes and so cannot hand controllers down.
//                 Empty: `id`, likewise relative. "slice:prefix:name" is the name of a directory for this
//                 driver.
// Removes doubled slashes, "." and a slash at the end. runc removes ".." as well; this refuses it, because
// such a path leaves the mount or is a mistake. Also refuses NUL, a name of more than 255 bytes and a path of
// 4,096 bytes or more. Kind::invalid_config names /linux/cgroupsPath and the value.
Result<std::string> container_path(std::string_view cgroups_path, std::string_view id,
                                   std::string_view own_path);

// "/a/b" of container_path as "a/b", for the calls below a directory descriptor. Refuses a path that
// container_path cannot have made (Kind::internal), because a damaged state file must not make `delete`
// remove something else.
Result<std::string> below_mount(std::string_view path);

}  // namespace bulkhead::cgroups
