// SPDX-License-Identifier: Apache-2.0
#include "support/planning.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "spec/parse.hpp"

namespace bulkhead::test {

std::string config_with(const std::string& patch) {
    nlohmann::json document = nlohmann::json::parse(small_config);
    document.merge_patch(nlohmann::json::parse(patch));
    return document.dump();
}

spec::ValidSpec spec_with(const std::string& patch) {
    auto parsed = spec::parse(config_with(patch));
    if (!parsed) throw std::runtime_error(parsed.error().text);
    auto valid = spec::validate(std::move(*parsed));
    if (!valid) throw std::runtime_error(valid.error().text);
    return std::move(*valid);
}

plan::Timeline finished(plan::TimelineBuilder builder) {
    auto timeline = std::move(builder).finish();
    if (!timeline) throw std::runtime_error(timeline.error().text);
    return std::move(*timeline);
}

Lines lines_of(const plan::Timeline& timeline) {
    Lines lines;
    for (const plan::Step& step : timeline.steps()) {
        const plan::Description what = plan::describe(step, timeline.arena());
        std::string line = cat(step.lane() == plan::Lane::host ? "host " : "init ", what.name);
        if (!what.object.empty()) line.append(" ").append(what.object);
        if (!step.pointer.empty()) line.append(cat(" (", step.pointer, ")"));
        lines.push_back(std::move(line));
    }
    return lines;
}

void begin_lane(plan::TimelineBuilder& builder) { builder.host(plan::Spawn{0}); }

Lines end_lane(plan::TimelineBuilder builder) {
    builder.init(plan::Execute{});
    Lines lines = lines_of(finished(std::move(builder)));
    lines.erase(lines.begin());
    lines.pop_back();
    return lines;
}

std::size_t at(const Lines& all, std::string_view verb) {
    const auto found = std::ranges::find_if(all, [&](const std::string& line) {
        return line.substr(5, verb.size()) == verb &&
               (line.size() == 5 + verb.size() || line[5 + verb.size()] == ' ');
    });
    return static_cast<std::size_t>(found - all.begin());
}

void expect_order(const Lines& all, const std::vector<std::string_view>& verbs) {
    for (std::size_t i = 0; i < verbs.size(); ++i) {
        ASSERT_TRUE(has(all, verbs[i])) << verbs[i];
        if (i > 0) {
            EXPECT_LT(at(all, verbs[i - 1]), at(all, verbs[i])) << verbs[i - 1] << " before " << verbs[i];
        }
    }
}

}  // namespace bulkhead::test
