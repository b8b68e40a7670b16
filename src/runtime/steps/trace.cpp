// SPDX-License-Identifier: Apache-2.0
// `run --trace FILE`: the time of each step of both lanes.
#include <algorithm>
#include <utility>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "plan/explain.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {

namespace {

std::string padded_left(std::string text, std::size_t width) {
    return text.size() < width ? text.insert(0, width - text.size(), ' ') : text;
}

std::string microseconds(std::uint64_t ns) { return cat(ns / 1000, '.', ns / 100 % 10); }

}  // namespace

std::string trace_text(const plan::Timeline& timeline, const std::vector<plan::StepTime>& times,
                       std::uint64_t begin) {
    std::vector<plan::StepTime> ordered = times;
    std::ranges::sort(ordered, {},
                      [](const plan::StepTime& time) { return std::pair(time.ended, time.step); });
    std::string text("  end us   took us  step  lane  verb\n");
    std::uint64_t lane_end[2] = {begin, begin};
    for (const plan::StepTime& time : ordered) {
        if (time.step >= timeline.steps().size()) continue;
        const plan::Step& step = timeline.steps()[time.step];
        const bool host = step.lane() == plan::Lane::host;
        std::uint64_t& previous = lane_end[host ? 0 : 1];
        const plan::Description what = plan::describe(step, timeline.arena());
        text.append(padded_left(microseconds(time.ended - begin), 8)).append("  ");
        text.append(padded_left(microseconds(time.ended - previous), 8)).append("  ");
        text.append(padded_left(cat(time.step), 4)).append(host ? "  host  " : "  init  ");
        text.append(what.name).append(" ").append(quotable(what.object)).append("\n");
        previous = time.ended;
        if (std::holds_alternative<plan::HostOp>(step.op) &&
            std::holds_alternative<plan::Spawn>(std::get<plan::HostOp>(step.op)))
            lane_end[1] = time.ended;  // the init lane begins where the walker became two
    }
    return text;
}

std::vector<std::string> write_trace(const std::string& path, const plan::Timeline& timeline,
                                     const Walk& walk, std::uint64_t begin) {
    if (!walk.traced) return {};
    constexpr mode_t readable = 0644;
    auto written = replace_file_at(sys::here, path, trace_text(timeline, walk.times, begin), readable);
    if (written) return {};
    return {std::move(written).error().under("--trace").text};
}

}  // namespace bulkhead::runtime
