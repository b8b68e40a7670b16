// SPDX-License-Identifier: Apache-2.0
// Planners without a kernel: a small config with a patch on it, and a timeline as lines of text.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "plan/explain.hpp"
#include "spec/parse.hpp"
#include "spec/validate.hpp"

namespace bulkhead::test {

inline constexpr const char* small_config = R"({
    "ociVersion": "1.3.0",
    "process": {"args": ["/bin/true"], "cwd": "/", "env": ["HOME=/root", "PATH=/bin"]},
    "root": {"path": "rootfs"},
    "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]}
})";

// The small config, changed by a JSON merge patch (RFC 7396).
inline std::string config_with(const std::string& patch) {
    nlohmann::json document = nlohmann::json::parse(small_config);
    document.merge_patch(nlohmann::json::parse(patch));
    return document.dump();
}

inline spec::ValidSpec spec_with(const std::string& patch = "{}") {
    auto parsed = spec::parse(config_with(patch));
    if (!parsed) throw std::runtime_error(parsed.error().text);
    auto valid = spec::validate(std::move(*parsed));
    if (!valid) throw std::runtime_error(valid.error().text);
    return std::move(*valid);
}

// "init set_hostname box (/hostname)", one line a step.
inline std::vector<std::string> lines_of(const plan::Timeline& timeline) {
    std::vector<std::string> lines;
    for (const plan::Step& step : timeline.steps()) {
        const plan::Description what = plan::describe(step, timeline.arena());
        std::string line = cat(step.lane() == plan::Lane::host ? "host " : "init ", what.verb);
        if (!what.object.empty()) line.append(" ").append(what.object);
        if (!step.pointer.empty()) line.append(cat(" (", step.pointer, ")"));
        lines.push_back(std::move(line));
    }
    return lines;
}

inline plan::Timeline finished(plan::TimelineBuilder builder) {
    auto timeline = std::move(builder).finish();
    if (!timeline) throw std::runtime_error(timeline.error().text);
    return std::move(*timeline);
}

// What a planner of the init lane appends, between SPAWN and Execute, which are not shown.
template <class Planner>
std::vector<std::string> init_lines(Planner planner) {
    plan::TimelineBuilder builder;
    builder.host(plan::Spawn{0});
    planner(builder);
    builder.init(plan::Execute{});
    std::vector<std::string> lines = lines_of(finished(std::move(builder)));
    lines.erase(lines.begin());
    lines.pop_back();
    return lines;
}

// The typed structs of one verb, in order.
template <class Op>
std::vector<Op> ops_of(const plan::Timeline& timeline) {
    std::vector<Op> ops;
    for (const plan::Step& step : timeline.steps()) {
        const auto* init = std::get_if<plan::InitStep>(&step.op);
        if (init == nullptr || init->op != plan::InitVocabulary::index_of<Op>()) continue;
        std::memcpy(&ops.emplace_back(), init->payload, sizeof(Op));
    }
    return ops;
}

using Lines = std::vector<std::string>;

}  // namespace bulkhead::test
