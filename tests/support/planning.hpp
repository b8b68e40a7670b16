// SPDX-License-Identifier: Apache-2.0
// Planners without a kernel: a small config with a patch on it, and a timeline as lines of text.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "plan/explain.hpp"
#include "spec/validate.hpp"

namespace bulkhead::test {

inline constexpr const char* small_config = R"({
    "ociVersion": "1.3.0",
    "process": {"args": ["/bin/true"], "cwd": "/", "env": ["HOME=/root", "PATH=/bin"]},
    "root": {"path": "rootfs"},
    "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]}
})";

using Lines = std::vector<std::string>;

// The small config, changed by a JSON merge patch (RFC 7396).
std::string config_with(const std::string& patch);
spec::ValidSpec spec_with(const std::string& patch = "{}");

plan::Timeline finished(plan::TimelineBuilder builder);

// "init set_hostname box (/hostname)", one line a step.
Lines lines_of(const plan::Timeline& timeline);

// Between the steps that every init lane begins and ends with.
void begin_lane(plan::TimelineBuilder& builder);
Lines end_lane(plan::TimelineBuilder builder);

// What a planner of the init lane appends, between SPAWN and Execute, which are not shown.
template <class Planner>
Lines init_lines(Planner planner) {
    plan::TimelineBuilder builder;
    begin_lane(builder);
    planner(builder);
    return end_lane(std::move(builder));
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

// Where the first step of this verb stands; the size of the list where there is none.
std::size_t at(const Lines& all, std::string_view verb);
inline bool has(const Lines& all, std::string_view verb) { return at(all, verb) < all.size(); }

void expect_order(const Lines& all, const std::vector<std::string_view>& verbs);

}  // namespace bulkhead::test
