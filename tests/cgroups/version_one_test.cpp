// SPDX-License-Identifier: Apache-2.0
#include "cgroups/limits/version_one.hpp"

#include <gtest/gtest.h>

#include "spec/parse.hpp"

namespace bulkhead::cgroups {
namespace {

using Lines = std::vector<std::string>;

Lines warnings(std::string_view json) {
    const auto resources = spec::parse_resources(json, "resources");
    EXPECT_TRUE(resources) << json;
    return warnings_of_version_1(*resources);
}

constexpr std::string_view why =
    " is ignored: only cgroup v1 has such a value, and the container's cgroup is v2";

TEST(VersionOne, NamesPointerAndValueOfWhatAsksForSomething) {
    struct Row {
        std::string_view json, said;
    };
    constexpr Row rows[] = {
        {R"({"memory":{"kernel":1048576}})", "/memory/kernel: 1048576"},
        {R"({"memory":{"kernelTCP":1048576}})", "/memory/kernelTCP: 1048576"},
        {R"({"memory":{"swappiness":0}})", "/memory/swappiness: 0"},
        {R"({"memory":{"disableOOMKiller":true}})", "/memory/disableOOMKiller: true"},
        {R"({"memory":{"useHierarchy":false}})", "/memory/useHierarchy: false"},
        {R"({"cpu":{"realtimeRuntime":950000}})", "/cpu/realtimeRuntime: 950000"},
        {R"({"cpu":{"realtimePeriod":1000000}})", "/cpu/realtimePeriod: 1000000"},
        {R"({"blockIO":{"leafWeight":500}})", "/blockIO/leafWeight: 500"},
        {R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"leafWeight":500}]}})",
         "/blockIO/weightDevice/0/leafWeight: 500"},
        {R"({"network":{"classID":1048577}})", "/network/classID: 1048577"},
        {R"({"network":{"priorities":[{"name":"eth0","priority":5},{"name":"lo","priority":6}]}})",
         "/network/priorities: \"eth0\" 5, \"lo\" 6"},
    };
    for (const Row& row : rows)
        EXPECT_EQ(warnings(row.json), Lines{cat("config.json: /linux/resources", row.said, why)}) << row.json;
}

TEST(VersionOne, SaysNothingOfWhatAsksForNothing) {
    for (const std::string_view json : {
             R"({})",
             R"({"memory":{"kernel":-1,"kernelTCP":0,"disableOOMKiller":false,"useHierarchy":true}})",
             R"({"memory":{"limit":1048576,"swap":-1,"reservation":7,"checkBeforeUpdate":true}})",
             R"({"cpu":{"realtimeRuntime":0,"realtimePeriod":0,"shares":7}})",
             R"({"blockIO":{"weight":500,"leafWeight":0,"weightDevice":[{"major":8,"minor":0,"weight":9}]}})",
             R"({"network":{"classID":0,"priorities":[]}})",
         })
        EXPECT_EQ(warnings(json), Lines()) << json;
}

TEST(VersionOne, BeginsWithWhoseResourcesTheyAre) {
    const auto resources = spec::parse_resources(R"({"memory":{"swappiness":60}})", "resources");
    EXPECT_TRUE(warnings_of_version_1(*resources, "file.json: ")[0].starts_with(
        "file.json: /memory/swappiness: 60 "));
}

}  // namespace
}  // namespace bulkhead::cgroups
