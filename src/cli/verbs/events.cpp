// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/events.hpp"

#include <unistd.h>

#include "cli/duration.hpp"
#include "cli/output.hpp"
#include "cli/render_events.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

namespace {

Result<> print(std::string_view line) { return write_out(STDOUT_FILENO, line); }

}  // namespace

Result<VerbResult> events(const Call& call) {
    const std::string& id = call.operands[0];
    LET(const std::uint64_t interval_ns, parse_interval(call.flags<EventsFlags>().interval));
    if (call.flags<EventsFlags>().stats) {
        LET(const cgroups::Stats sample, runtime::stats(call.site, id));
        return VerbResult{stats_line(id, sample), 0, {}};
    }
    const runtime::Audience audience{
        .sample = [&](const cgroups::Stats& stats) { return print(stats_line(id, stats)); },
        .oom = [&] { return print(oom_line(id)); },
        .output = STDOUT_FILENO,
    };
    TRY(runtime::watch(call.site, id, interval_ns, audience));
    return VerbResult{};
}

}  // namespace bulkhead::cli::verbs
