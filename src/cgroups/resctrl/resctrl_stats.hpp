// SPDX-License-Identifier: Apache-2.0
// The numbers of a resctrl group, as `events` prints them.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cgroups/statistics/stats.hpp"

namespace bulkhead::cgroups {

// Reads the counts of the monitoring group if there is one, else those of the whole group. Numbers that this
// processor does not have are left out. A group that is gone has no schemata.
Result<RdtStats> read_rdt_stats(const std::string& mount, const std::string& path,
                                const std::string& monitoring);

}  // namespace bulkhead::cgroups
