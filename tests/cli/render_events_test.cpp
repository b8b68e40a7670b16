// SPDX-License-Identifier: Apache-2.0
#include "cli/render_events.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

cgroups::Stats full() {
    const cgroups::Stall stall{.some = {12.5, 0.5, 100, 7}, .full = {}};
    return {.cpu = {.usage = 1,
                    .user = 2,
                    .system = 3,
                    .periods = 4,
                    .throttled_periods = 5,
                    .throttled_time = 6,
                    .stall = stall},
            .memory = {.memory = {.usage = 10, .limit = 20, .peak = 30},
                       .swap = {.usage = 1, .limit = 2, .peak = 3},
                       .raw = {{"anon", 0}, {"file", 8}},
                       .stall = stall},
            .pids = {.current = 2, .limit = 9},
            .io = {.bytes = {{8, 0, false, 4096}, {8, 0, true, 0}},
                   .operations = {{0, 1, true, 5}},
                   .stall = stall},
            .huge_pages = {{"2MB", {.usage = 4194304, .failures = 7}}, {"1GB", {}}}};
}

Json data_of(const cgroups::Stats& stats) { return Json::parse(stats_line("box", stats))["data"]; }

TEST(StatsLine, IsOneCompactLine) {
    const std::string line = stats_line("box", {});
    EXPECT_TRUE(
        line.starts_with(R"({"type":"stats","id":"box","data":{"cpu":{"usage":{"kernel":0,"user":0})"));
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(line.find(' '), line.npos);
}

// As runc prints a cgroup of which nothing is known: what it leaves out at 0, and what not.
TEST(StatsLine, LeavesOutWhatRuncLeavesOut) {
    const Json empty{{"limit", 0}, {"failcnt", 0}};
    EXPECT_EQ(data_of({}),
              Json({{"cpu", {{"usage", {{"kernel", 0}, {"user", 0}}}, {"throttling", Json::object()}}},
                    {"cpuset",
                     {{"cpu_exclusive", 0},
                      {"mem_hardwall", 0},
                      {"mem_exclusive", 0},
                      {"memory_migrate", 0},
                      {"memory_spread_page", 0},
                      {"memory_spread_slab", 0},
                      {"memory_pressure", 0},
                      {"sched_load_balance", 0},
                      {"sched_relax_domain_level", 0}}},
                    {"memory", {{"usage", empty}, {"swap", empty}, {"kernel", empty}, {"kernelTCP", empty}}},
                    {"pids", Json::object()},
                    {"blkio", Json::object()},
                    {"hugetlb", Json::object()},
                    {"intel_rdt", Json::object()},
                    {"network_interfaces", nullptr}}));
}

TEST(StatsLine, ShowsAGroupOfResctrlAsRuncDoes) {
    cgroups::Stats stats;
    stats.rdt =
        cgroups::RdtStats{.cache = {{.mask = "fffff", .least_bits = 1, .groups = 4}},
                          .bandwidth = {{.granularity = 10, .is_linear = 1, .least = 10, .groups = 8}},
                          .root_schemata = {"L3:0=fffff", "MB:0=100"},
                          .schemata = {"L3:0=ff", "MB:0=20"},
                          .traffic = {{.total = 5, .local = 0}},
                          .occupancy = {7, 0}};
    EXPECT_EQ(data_of(stats)["intel_rdt"], Json::parse(R"({
        "l3_cache_info": {"cbm_mask": "fffff", "min_cbm_bits": 1, "num_closids": 4},
        "l3_cache_schema_root": "L3:0=fffff", "l3_cache_schema": "L3:0=ff",
        "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 8},
        "mem_bw_schema_root": "MB:0=100", "mem_bw_schema": "MB:0=20", "schemata": ["L3:0=ff", "MB:0=20"],
        "mbm_stats": [{"mbm_total_bytes": 5}], "cmt_stats": [{"llc_occupancy": 7}, {}]})"));
    stats.rdt = cgroups::RdtStats{};
    EXPECT_EQ(data_of(stats)["intel_rdt"], Json::object());
}

TEST(StatsLine, HasEveryNumber) {
    const Json data = data_of(full());
    const Json psi = Json::parse(R"({"some":{"avg10":12.5,"avg60":0.5,"avg300":100,"total":7},
                                     "full":{"avg10":0,"avg60":0,"avg300":0,"total":0}})");
    EXPECT_EQ(data["cpu"],
              Json({{"usage", {{"total", 1}, {"kernel", 3}, {"user", 2}}},
                    {"throttling", {{"periods", 4}, {"throttledPeriods", 5}, {"throttledTime", 6}}},
                    {"psi", psi}}));
    EXPECT_EQ(data["memory"], Json({{"cache", 8},
                                    {"usage", {{"limit", 20}, {"usage", 10}, {"max", 30}, {"failcnt", 0}}},
                                    {"swap", {{"limit", 22}, {"usage", 11}, {"failcnt", 0}}},
                                    {"kernel", {{"limit", 0}, {"failcnt", 0}}},
                                    {"kernelTCP", {{"limit", 0}, {"failcnt", 0}}},
                                    {"raw", {{"anon", 0}, {"file", 8}}},
                                    {"psi", psi}}));
    EXPECT_EQ(data["pids"], Json({{"current", 2}, {"limit", 9}}));
    EXPECT_EQ(data["blkio"], Json::parse(R"({"ioServiceBytesRecursive":
        [{"major":8,"op":"Read","value":4096},{"major":8,"op":"Write"}],
        "ioServicedRecursive":[{"minor":1,"op":"Write","value":5}]})")
                                 .patch(Json::array({{{"op", "add"}, {"path", "/psi"}, {"value", psi}}})));
    EXPECT_EQ(data["hugetlb"], Json::parse(R"({"1GB":{"failcnt":0},"2MB":{"usage":4194304,"failcnt":7}})"));
}

TEST(StatsLine, UnlimitedIsTwoToThe64ForMemoryAndNothingForPids) {
    cgroups::Stats stats;
    stats.memory.memory.limit = stats.memory.swap.limit = stats.pids.limit = cgroups::unlimited;
    EXPECT_EQ(data_of(stats)["memory"]["usage"]["limit"], 18446744073709551615u);
    EXPECT_EQ(data_of(stats)["memory"]["swap"]["limit"], 18446744073709551615u);
    EXPECT_FALSE(data_of(stats)["pids"].contains("limit"));
}

// memory.max says max, memory.swap.max 4096.
TEST(StatsLine, ASumWithSomethingUnlimitedIsUnlimited) {
    cgroups::Stats stats;
    stats.memory.memory.limit = cgroups::unlimited;
    stats.memory.swap.limit = 4096;
    EXPECT_EQ(data_of(stats)["memory"]["swap"]["limit"], 18446744073709551615u);
    std::swap(stats.memory.memory, stats.memory.swap);
    EXPECT_EQ(data_of(stats)["memory"]["swap"]["limit"], 18446744073709551615u);
}

TEST(OomLine, HasNoData) { EXPECT_EQ(oom_line("box"), "{\"type\":\"oom\",\"id\":\"box\"}\n"); }

}  // namespace
}  // namespace bulkhead::cli
