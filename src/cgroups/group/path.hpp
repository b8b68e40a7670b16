// SPDX-License-Identifier: Apache-2.0
// Where a container's cgroup is, as text: the rules of runc's cgroupfs driver (fs2/defaultpath.go). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// The cgroup v2 path in the text of /proc/self/cgroup (its "0::" line); empty where there is none.
std::string own_path(std::string_view proc_self_cgroup_text);

// The container's cgroup below the mount, "/" in front: /kubepods/pod1/abc. Never the root itself.
//   cgroups_path  linux.cgroupsPath. Absolute: below the mount. Relative: below the parent of `own_path`,
//   since
//                 the runtime's own cgroup holds processes and so cannot hand controllers down. Empty: `id`,
//                 likewise relative. "slice:prefix:name" is the name of a directory for this driver.
// Doubled slashes, "." and a slash at the end are cleaned away; runc cleans ".." as well, but whoever writes
// that wants to leave the mount or is mistaken, so it is refused. So are NUL, a name of more than 255 bytes
// and a path of 4,096 bytes or more. Kind::invalid_config, naming /linux/cgroupsPath and the value.
Result<std::string> container_path(std::string_view cgroups_path, std::string_view id,
                                   std::string_view own_path);

// "/a/b" of container_path as "a/b", which the calls below a directory descriptor take. Refuses what
// container_path cannot have made (Kind::internal): state files are read back, and one that was damaged must
// not make `delete` remove something else.
Result<std::string> below_mount(std::string_view path);

}  // namespace bulkhead::cgroups
