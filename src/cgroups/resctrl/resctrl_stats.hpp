// SPDX-License-Identifier: Apache-2.0
// The numbers of a group of resctrl, as `events` shows them.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cgroups/statistics/stats.hpp"

namespace bulkhead::cgroups {

// Counted for the group of monitoring where there is one, else for the whole group. What this processor does
// not have is left out; a group that is gone has no schemata.
Result<RdtStats> read_rdt_stats(const std::string& mount, const std::string& path,
                                const std::string& monitoring);

}  // namespace bulkhead::cgroups
