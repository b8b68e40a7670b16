// SPDX-License-Identifier: Apache-2.0
// The lines of `events`, as runc's types/events.go has them and go-runc decodes them.
#pragma once

#include <string>
#include <string_view>

#include "cgroups/statistics/stats.hpp"

namespace bulkhead::cli {

// {"type":"stats","id":...,"data":{...}} and a newline. It has all eight groups, also those that cgroup v2
// has no figures for; counters that are 0 are mostly left out, as Go's omitempty does.
std::string stats_line(std::string_view id, const cgroups::Stats& stats);

// {"type":"oom","id":...} and a newline.
std::string oom_line(std::string_view id);

}  // namespace bulkhead::cli
