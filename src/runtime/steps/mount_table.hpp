// SPDX-License-Identifier: Apache-2.0
// Reads the text of /proc/PID/mountinfo (proc(5)). A line that it does not understand is an error, because it
// may be about the mount in question.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::runtime {

// Where procfs and sysfs are mounted, in its order: without pivot_root they must go, because who finds one
// that is not masked has what the masks hide.
Result<std::vector<std::string>> kernel_mounts(std::string_view mountinfo);

// True if the mount of this id is there, at this place.
Result<bool> has_mount(std::string_view mountinfo, std::uint64_t number, const std::string& point);

// Where the first resctrl is mounted; empty: nowhere.
Result<std::string> resctrl_mount(std::string_view mountinfo);

}  // namespace bulkhead::runtime
