// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/plan_devices.hpp"

#include "cgroups/devices/devices.hpp"
#include "support/planning.hpp"

namespace bulkhead::cgroups {
namespace {

using spec::DeviceRule;
using Rules = std::vector<DeviceRule>;

const plan::HostFacts root_host{};
const Rules none;
const Rules nothing{{false, spec::DeviceRuleType::all, {}, {}, "rwm"}};
const Rules fuse{nothing.front(), {true, spec::DeviceRuleType::character, 10, 229, "rw"}};
const std::string pointer = " (/linux/resources/devices)";

std::string updated(const Rules& created, const Rules& wanted, const plan::HostFacts& host = root_host) {
    plan::TimelineBuilder timeline;
    const auto planned = plan_device_update(timeline, created, wanted, host);
    if (!planned) return planned.error().text;
    const test::Lines lines = test::lines_of(test::finished(std::move(timeline)));
    return lines.empty() ? "" : lines.front();
}

std::string replacing(const Rules& rules, std::string_view more = "") {
    return cat("host replace_device_filter ", device_program(rules)->size(), " instructions", more, pointer);
}

TEST(DeviceUpdate, ReplacesAllThatHolds) {
    EXPECT_EQ(updated(nothing, fuse), replacing(fuse));
    EXPECT_EQ(updated(fuse, nothing), replacing(nothing));
    EXPECT_EQ(updated(none, fuse), replacing(fuse));
}

TEST(DeviceUpdate, KnowsTheRulesOfTheCreation) {
    EXPECT_EQ(updated(fuse, fuse), replacing(fuse, ", as at the creation"));
    // other words for the same
    EXPECT_EQ(updated(none, nothing), replacing(nothing, ", as at the creation"));
}

TEST(DeviceUpdate, OfNoRulesIsNothing) { EXPECT_EQ(updated(fuse, none), ""); }

TEST(DeviceUpdate, IsForWhoIsReallyRoot) {
    EXPECT_EQ(updated(none, fuse, {.privileged = false}), "");
    EXPECT_EQ(updated(none, fuse, {.initial_user_namespace = false}), "");
}

TEST(DeviceUpdate, RefusesWhatNoProgramCanBeMadeOf) {
    const Rules wrong{{true, spec::DeviceRuleType::all, {}, {}, "x"}};
    EXPECT_NE(updated(none, wrong).find("/linux/resources/devices/0/access: "), std::string::npos);
}

TEST(DeviceFilterPlan, IsForWhoIsReallyRoot) {
    const auto planned = [](const plan::HostFacts& host) {
        plan::TimelineBuilder timeline;
        EXPECT_TRUE(plan_device_filter(timeline, none, host));
        return test::lines_of(test::finished(std::move(timeline))).size();
    };
    EXPECT_EQ(planned(root_host), 1u);
    EXPECT_EQ(planned({.privileged = false}), 0u);
    EXPECT_EQ(planned({.initial_user_namespace = false}), 0u);
}

}  // namespace
}  // namespace bulkhead::cgroups
