// SPDX-License-Identifier: Apache-2.0
// Where procfs and sysfs are mounted: without pivot_root these have to go, for whoever finds one that is not
// masked has what the masks hide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::runtime {

// The mount points in the text of /proc/PID/mountinfo (proc(5)), in its order. A line that is not understood
// is an error: the mount in it might be one.
Result<std::vector<std::string>> kernel_mounts(std::string_view mountinfo);

}  // namespace bulkhead::runtime
