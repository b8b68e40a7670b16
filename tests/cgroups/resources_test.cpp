// SPDX-License-Identifier: Apache-2.0
// Every row of linux.resources: the JSON that a user writes, and the files and texts that come of it.
#include "cgroups/limits/resources.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "spec/parse.hpp"

namespace bulkhead::cgroups {
namespace {

using Lines = std::vector<std::string>;

// "cpu.weight=100 /cpu/shares", and what is behind it where the file may be missing.
std::string line(const plan::CgroupSetting& setting) {
    std::string text = setting.file + "=" + setting.text + " " + setting.pointer;
    if (setting.may_lack) text += " or none";
    if (!setting.other_file.empty()) text += " or " + setting.other_file + "=" + setting.other_text;
    return text;
}

Result<std::vector<plan::CgroupSetting>> settings_for(std::string_view json, const Present& present) {
    LET(const auto resources, spec::parse_resources(json, "resources"));
    return settings_of(resources, present, "");
}

Lines lines_of(std::string_view json, const Present& present = {}) {
    const auto settings = settings_for(json, present);
    if (!settings) return {settings.error().text};
    Lines lines;
    for (const plan::CgroupSetting& setting : *settings) lines.push_back(line(setting));
    return lines;
}

struct Row {
    std::string_view json;
    Lines expected;
};

void expect_all(const std::vector<Row>& rows) {
    for (const Row& row : rows) EXPECT_EQ(lines_of(row.json), row.expected) << row.json;
}

void expect_refusal(std::string_view json, const std::string& text) {
    const auto settings = settings_for(json, {});
    ASSERT_FALSE(settings) << json;
    EXPECT_EQ(settings.error().kind, Kind::invalid_config) << json;
    EXPECT_EQ(settings.error().text, text) << json;
}

// ---- what asks for nothing ------------------------------------------------------------------------------

TEST(Settings, UnsetValuesAreNone) {
    for (
        const std::string_view json : {
            R"({})",
            R"({"memory":null,"cpu":null,"pids":null,"blockIO":null,"hugepageLimits":null,"rdma":null,"unified":null})",
            R"({"memory":{},"cpu":{},"pids":{},"blockIO":{},"hugepageLimits":[],"rdma":{},"unified":{}})",
            R"({"memory":{"limit":null,"swap":null,"reservation":null}})",
            R"({"memory":{"limit":0,"swap":0,"reservation":0}})",
            R"({"cpu":{"shares":null,"quota":null,"period":null,"burst":null,"idle":null,"cpus":null}})",
            R"({"cpu":{"shares":0,"quota":0,"period":0,"cpus":"","mems":""}})",
            R"({"pids":{"limit":null}})",
            R"({"blockIO":{"weight":null,"weightDevice":[],"throttleReadBpsDevice":[]}})",
            R"({"blockIO":{"weight":0,"weightDevice":[{"major":8,"minor":0,"leafWeight":0}]}})",
            R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":0}]}})",
            R"({"unified":{"memory.high":""}})",
        })
        EXPECT_EQ(lines_of(json), Lines{}) << json;
}

TEST(Settings, WhatOnlyCgroupV1HasIsIgnored) {
    for (const std::string_view json : {
             R"({"memory":{"kernel":1048576}})",
             R"({"memory":{"kernelTCP":1048576}})",
             R"({"memory":{"swappiness":0}})",
             R"({"memory":{"swappiness":100}})",
             R"({"memory":{"disableOOMKiller":true}})",
             R"({"memory":{"useHierarchy":true}})",
             R"({"memory":{"checkBeforeUpdate":true}})",
             R"({"cpu":{"realtimeRuntime":950000,"realtimePeriod":1000000}})",
             R"({"blockIO":{"leafWeight":500,"weightDevice":[{"major":8,"minor":0,"leafWeight":500}]}})",
             R"({"network":{"classID":1048577,"priorities":[{"name":"eth0","priority":500}]}})",
         })
        EXPECT_EQ(lines_of(json), Lines{}) << json;
}

TEST(Settings, DeviceRulesAreNoFiles) {
    EXPECT_EQ(lines_of(R"({"devices":[{"allow":false,"access":"rwm"}]})"), Lines{});
}

// ---- pids -----------------------------------------------------------------------------------------------

TEST(Settings, Pids) {
    expect_all({
        {R"({"pids":{"limit":1}})", {"pids.max=1 /pids/limit"}},
        {R"({"pids":{"limit":4096}})", {"pids.max=4096 /pids/limit"}},
        {R"({"pids":{"limit":9223372036854775807}})", {"pids.max=9223372036854775807 /pids/limit"}},
        // 0 is a limit: no process besides the one that there is.
        {R"({"pids":{"limit":0}})", {"pids.max=1 /pids/limit"}},
        {R"({"pids":{"limit":-1}})", {"pids.max=max /pids/limit or none"}},
        {R"({"pids":{"limit":-9223372036854775808}})", {"pids.max=max /pids/limit or none"}},
    });
}

// ---- memory ---------------------------------------------------------------------------------------------

TEST(Settings, MemoryAlone) {
    expect_all({
        {R"({"memory":{"limit":1}})", {"memory.max=1 /memory/limit"}},
        {R"({"memory":{"limit":33554432}})", {"memory.max=33554432 /memory/limit"}},
        {R"({"memory":{"limit":9223372036854775807}})", {"memory.max=9223372036854775807 /memory/limit"}},
        {R"({"memory":{"limit":1,"swap":0}})", {"memory.max=1 /memory/limit"}},
        {R"({"memory":{"reservation":4096}})", {"memory.low=4096 /memory/reservation"}},
        {R"({"memory":{"reservation":-1}})", {"memory.low=max /memory/reservation or none"}},
        {R"({"memory":{"limit":8192,"reservation":4096}})",
         {"memory.max=8192 /memory/limit", "memory.low=4096 /memory/reservation"}},
    });
}

// memory.swap.max is swap alone, and comes first: lowering memory.max may need it.
TEST(Settings, MemoryWithSwap) {
    expect_all({
        {R"({"memory":{"limit":100,"swap":300}})",
         {"memory.swap.max=200 /memory/swap", "memory.max=100 /memory/limit"}},
        {R"({"memory":{"limit":100,"swap":101}})",
         {"memory.swap.max=1 /memory/swap", "memory.max=100 /memory/limit"}},
        // None and unlimited hold on a kernel without swap accounting, too.
        {R"({"memory":{"limit":100,"swap":100}})",
         {"memory.swap.max=0 /memory/swap or none", "memory.max=100 /memory/limit"}},
        {R"({"memory":{"limit":100,"swap":-1}})",
         {"memory.swap.max=max /memory/swap or none", "memory.max=100 /memory/limit"}},
        {R"({"memory":{"swap":-1}})", {"memory.swap.max=max /memory/swap or none"}},
        {R"({"memory":{"limit":0,"swap":-1}})", {"memory.swap.max=max /memory/swap or none"}},
        // Unlimited memory lifts swap with it, unless swap says something itself.
        {R"({"memory":{"limit":-1}})",
         {"memory.swap.max=max /memory/limit or none", "memory.max=max /memory/limit or none"}},
        {R"({"memory":{"limit":-1,"swap":-1}})",
         {"memory.swap.max=max /memory/swap or none", "memory.max=max /memory/limit or none"}},
        {R"({"memory":{"limit":-1,"swap":4096}})",
         {"memory.swap.max=4096 /memory/swap", "memory.max=max /memory/limit or none"}},
    });
}

TEST(Settings, SwapMustFitToMemory) {
    expect_refusal(R"({"memory":{"limit":-2}})", "/memory/limit: invalid memory value: -2");
    expect_refusal(R"({"memory":{"limit":9,"swap":-2}})", "/memory/swap: invalid memory value: -2");
    expect_refusal(R"({"memory":{"swap":100}})",
                   "/memory/swap: 100: unable to set swap limit without memory limit");
    expect_refusal(R"({"memory":{"limit":0,"swap":1}})",
                   "/memory/swap: 1: unable to set swap limit without memory limit");
    expect_refusal(R"({"memory":{"limit":100,"swap":99}})",
                   "/memory/swap: 99: memory+swap limit should be >= memory limit");
}

// ---- cpu ------------------------------------------------------------------------------------------------

TEST(Settings, SwapAloneIsAboveTheLimitThatThereIs) {
    const Present present{.memory_max = "100"};
    EXPECT_EQ(lines_of(R"({"memory":{"swap":150}})", present), Lines{"memory.swap.max=50 /memory/swap"});
    EXPECT_EQ(lines_of(R"({"memory":{"limit":120,"swap":150}})", present),
              (Lines{"memory.swap.max=30 /memory/swap", "memory.max=120 /memory/limit"}));
}

TEST(Settings, CpuShares) {
    expect_all({
        {R"({"cpu":{"shares":1024}})", {"cpu.weight=100 /cpu/shares"}},
        {R"({"cpu":{"shares":512}})", {"cpu.weight=59 /cpu/shares"}},
        {R"({"cpu":{"shares":1}})", {"cpu.weight=1 /cpu/shares"}},
        {R"({"cpu":{"shares":18446744073709551615}})", {"cpu.weight=10000 /cpu/shares"}},
    });
}

TEST(Settings, CpuBandwidth) {
    expect_all({
        {R"({"cpu":{"quota":50000}})", {"cpu.max=50000 /cpu/quota"}},
        {R"({"cpu":{"quota":-1}})", {"cpu.max=max /cpu/quota or none"}},
        {R"({"cpu":{"quota":50000,"period":20000}})", {"cpu.max=50000 20000 /cpu/quota"}},
        {R"({"cpu":{"quota":-1,"period":20000}})", {"cpu.max=max 20000 /cpu/quota or none"}},
        {R"({"cpu":{"quota":0,"period":20000}})", {"cpu.max=max 20000 /cpu/period or none"}},
        {R"({"cpu":{"period":20000}})", {"cpu.max=max 20000 /cpu/period or none"}},
        {R"({"cpu":{"quota":9223372036854775807,"period":1000000}})",
         {"cpu.max=9223372036854775807 1000000 /cpu/quota"}},
        {R"({"cpu":{"quota":1000,"period":1000}})", {"cpu.max=1000 1000 /cpu/quota"}},
    });
}

TEST(Settings, CpuBandwidthThatTheKernelWouldRefuse) {
    expect_refusal(R"({"cpu":{"quota":999}})", "/cpu/quota: 999: must be at least 1000");
    expect_refusal(R"({"cpu":{"period":999}})", "/cpu/period: 999: must be from 1000 to 1000000");
    expect_refusal(R"({"cpu":{"quota":-1,"period":1000001}})",
                   "/cpu/period: 1000001: must be from 1000 to 1000000");
    expect_refusal(R"({"cpu":{"quota":50000,"burst":50001}})",
                   "/cpu/burst: 50001: must not be above the quota 50000");
    expect_refusal(R"({"cpu":{"idle":2}})", "/cpu/idle: 2: must be 0 or 1");
    expect_refusal(R"({"cpu":{"idle":-1}})", "/cpu/idle: -1: must be 0 or 1");
}

TEST(Settings, WhatTheStandardRulesOut) {
    expect_refusal(R"({"memory":{"reservation":-2}})", "/memory/reservation: invalid memory value: -2");
    expect_refusal(R"({"memory":{"swappiness":101}})", "/memory/swappiness: 101: must be from 0 to 100");
    expect_refusal(R"({"blockIO":{"weightDevice":[{"major":8,"minor":0}]}})",
                   "/blockIO/weightDevice/0: needs weight or leafWeight");
    expect_refusal(R"({"rdma":{"a/b":{}}})", "/rdma/a~1b: needs hcaHandles or hcaObjects");
}

TEST(Settings, APeriodAloneKeepsTheQuotaThatThereIs) {
    const Present present{.cpu_max = "50000 100000"};
    EXPECT_EQ(lines_of(R"({"cpu":{"period":20000}})", present), Lines{"cpu.max=50000 20000 /cpu/period"});
    EXPECT_EQ(lines_of(R"({"cpu":{"quota":30000}})", present), Lines{"cpu.max=30000 /cpu/quota"});
    EXPECT_EQ(lines_of(R"({"cpu":{"quota":-1}})", present), Lines{"cpu.max=max /cpu/quota or none"});
    EXPECT_EQ(lines_of(R"({"cpu":{"shares":1024}})", present), Lines{"cpu.weight=100 /cpu/shares"});
}

// 0 is a value for these two.
TEST(Settings, CpuBurstAndIdle) {
    expect_all({
        {R"({"cpu":{"burst":0}})", {"cpu.max.burst=0 /cpu/burst"}},
        {R"({"cpu":{"burst":10000}})", {"cpu.max.burst=10000 /cpu/burst"}},
        {R"({"cpu":{"idle":0}})", {"cpu.idle=0 /cpu/idle"}},
        {R"({"cpu":{"idle":1}})", {"cpu.idle=1 /cpu/idle"}},
        // A burst must not be above the quota, so that one is there first.
        {R"({"cpu":{"burst":10000,"quota":50000}})",
         {"cpu.max=50000 /cpu/quota", "cpu.max.burst=10000 /cpu/burst"}},
    });
}

TEST(Settings, WhatIsIdleHasNoWeight) {
    EXPECT_EQ(lines_of(R"({"cpu":{"shares":512,"idle":1}})"), Lines{"cpu.idle=1 /cpu/idle"});
    EXPECT_EQ(lines_of(R"({"cpu":{"shares":512,"idle":0}})"),
              (Lines{"cpu.weight=59 /cpu/shares", "cpu.idle=0 /cpu/idle"}));
}

TEST(Settings, Cpuset) {
    expect_all({
        {R"({"cpu":{"cpus":"0-3,7"}})", {"cpuset.cpus=0-3,7 /cpu/cpus"}},
        {R"({"cpu":{"mems":"0"}})", {"cpuset.mems=0 /cpu/mems"}},
        {R"({"cpu":{"cpus":"0","mems":"0-1"}})", {"cpuset.cpus=0 /cpu/cpus", "cpuset.mems=0-1 /cpu/mems"}},
    });
}

// ---- block devices --------------------------------------------------------------------------------------

TEST(Settings, BlockWeights) {
    expect_all({
        {R"({"blockIO":{"weight":10}})", {"io.bfq.weight=10 /blockIO/weight or io.weight=1"}},
        {R"({"blockIO":{"weight":500}})", {"io.bfq.weight=500 /blockIO/weight or io.weight=4950"}},
        {R"({"blockIO":{"weight":1000}})", {"io.bfq.weight=1000 /blockIO/weight or io.weight=10000"}},
        {R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":100},
                                        {"major":259,"minor":1048575,"weight":11}]}})",
         {"io.bfq.weight=8:0 100 /blockIO/weightDevice/0/weight or io.weight=8:0 910",
          "io.bfq.weight=259:1048575 11 /blockIO/weightDevice/1/weight or io.weight=259:1048575 11"}},
    });
}

// The pointer names the right one behind others that ask for nothing.
TEST(Settings, BlockWeightsAreFrom10To1000) {
    expect_refusal(R"({"blockIO":{"weight":9}})", "/blockIO/weight: 9: must be from 10 to 1000");
    expect_refusal(R"({"blockIO":{"weight":1001}})", "/blockIO/weight: 1001: must be from 10 to 1000");
    expect_refusal(
        R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":10},{"major":8,"minor":16,"weight":1}]}})",
        "/blockIO/weightDevice/1/weight: 1: must be from 10 to 1000");
}

TEST(Settings, BlockThrottles) {
    expect_all({
        {R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":16,"rate":1}]}})",
         {"io.max=8:16 rbps=1 /blockIO/throttleReadBpsDevice/0"}},
        {R"({"blockIO":{"throttleWriteBpsDevice":[{"major":8,"minor":16,"rate":1048576}]}})",
         {"io.max=8:16 wbps=1048576 /blockIO/throttleWriteBpsDevice/0"}},
        {R"({"blockIO":{"throttleReadIOPSDevice":[{"major":8,"minor":16,"rate":300}]}})",
         {"io.max=8:16 riops=300 /blockIO/throttleReadIOPSDevice/0"}},
        {R"({"blockIO":{"throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":18446744073709551615}]}})",
         {"io.max=8:16 wiops=18446744073709551615 /blockIO/throttleWriteIOPSDevice/0"}},
        // The kernel refuses a rate of 0, which lifted the limit in cgroup v1.
        {R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":0}]}})",
         {"io.max=8:0 rbps=max /blockIO/throttleReadBpsDevice/0 or none"}},
        {R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1},{"major":8,"minor":16,"rate":2}]}})",
         {"io.max=8:0 rbps=1 /blockIO/throttleReadBpsDevice/0",
          "io.max=8:16 rbps=2 /blockIO/throttleReadBpsDevice/1"}},
    });
}

// ---- huge pages and RDMA --------------------------------------------------------------------------------

TEST(Settings, HugePagesWithTheirReservations) {
    expect_all({
        {R"({"hugepageLimits":[{"pageSize":"2MB","limit":0}]})",
         {"hugetlb.2MB.max=0 /hugepageLimits/0", "hugetlb.2MB.rsvd.max=0 /hugepageLimits/0 or none"}},
        {R"({"hugepageLimits":[{"pageSize":"64KB","limit":65536},{"pageSize":"1GB","limit":18446744073709551615}]})",
         {"hugetlb.64KB.max=65536 /hugepageLimits/0", "hugetlb.64KB.rsvd.max=65536 /hugepageLimits/0 or none",
          "hugetlb.1GB.max=18446744073709551615 /hugepageLimits/1",
          "hugetlb.1GB.rsvd.max=18446744073709551615 /hugepageLimits/1 or none"}},
    });
}

TEST(Settings, HugePageSizesAreWrittenAsTheKernelDoes) {
    for (const std::string size : {"1KB", "512KB", "1MB", "32MB", "512MB", "1GB", "16GB", "512GB"})
        EXPECT_EQ(lines_of(R"({"hugepageLimits":[{"pageSize":")" + size + R"(","limit":1}]})").front(),
                  "hugetlb." + size + ".max=1 /hugepageLimits/0");
    for (const std::string size :
         {"",      "2",    "MB",   "2M",       "2mb",          "2MiB",         "02MB", "0MB",
          "-2MB",  "+2MB", "3MB",  "1024KB",   "2048KB",       "2 MB",         " 2MB", "2MB ",
          "2.0MB", "1TB",  "../x", "2MB/../x", "4294967298MB", "99999999999MB"})
        expect_refusal(
            R"({"hugepageLimits":[{"pageSize":"2MB","limit":1},{"pageSize":")" + size + R"(","limit":1}]})",
            "/hugepageLimits/1/pageSize: \"" + size + "\": must be a size such as 64KB, 2MB or 1GB");
}

TEST(Settings, Rdma) {
    expect_all({
        {R"({"rdma":{"mlx5_0":{"hcaHandles":3}}})", {"rdma.max=mlx5_0 hca_handle=3 /rdma/mlx5_0"}},
        {R"({"rdma":{"mlx5_0":{"hcaObjects":0}}})", {"rdma.max=mlx5_0 hca_object=0 /rdma/mlx5_0"}},
        {R"({"rdma":{"b":{"hcaHandles":4294967295,"hcaObjects":1},"a":{"hcaHandles":0}}})",
         {"rdma.max=a hca_handle=0 /rdma/a", "rdma.max=b hca_handle=4294967295 hca_object=1 /rdma/b"}},
        {R"({"rdma":{"a/b~c":{"hcaHandles":1}}})", {"rdma.max=a/b~c hca_handle=1 /rdma/a~1b~0c"}},
    });
}

// ---- unified --------------------------------------------------------------------------------------------

TEST(Settings, UnifiedIsWrittenAsItStandsAndLineByLine) {
    expect_all({
        {R"({"unified":{"memory.high":"67108864"}})", {"memory.high=67108864 /unified/memory.high"}},
        {R"({"unified":{"memory.oom.group":"1"}})", {"memory.oom.group=1 /unified/memory.oom.group"}},
        {R"({"unified":{"hugetlb.2MB.rsvd.max":"0"}})",
         {"hugetlb.2MB.rsvd.max=0 /unified/hugetlb.2MB.rsvd.max"}},
        // A file that is named has to be there.
        {R"({"unified":{"pids.max":"max"}})", {"pids.max=max /unified/pids.max"}},
        {R"({"unified":{"cgroup.max.depth":"3"}})", {"cgroup.max.depth=3 /unified/cgroup.max.depth"}},
        {R"({"unified":{"unknown.file":" a b "}})", {"unknown.file= a b  /unified/unknown.file"}},
        {R"({"unified":{"io.max":"8:0 rbps=1\n\n8:16 wbps=2\n"}})",
         {"io.max=8:0 rbps=1 /unified/io.max", "io.max=8:16 wbps=2 /unified/io.max"}},
    });
}

TEST(Settings, UnifiedNamesFilesOfControllers) {
    for (const std::string key : {"", "memory", ".", "..", ".memory", "memory/max", "../memory.max",
                                  "/memory.max", "memory.max/..", "memory max", "memory.max ", "cgroup.procs",
                                  "cgroup.kill", "cgroup.freeze", "cgroup.subtree_control", "cgroup.type"})
        expect_refusal(R"({"unified":{")" + key + R"(":"1"}})",
                       "/unified: \"" + key + "\": must be the name of a file of a controller");
}

TEST(Settings, UnifiedHasTheLastWord) {
    EXPECT_EQ(lines_of(R"({"pids":{"limit":5},"unified":{"cgroupless.x":"1","pids.max":"7"}})"),
              (Lines{"pids.max=5 /pids/limit", "cgroupless.x=1 /unified/cgroupless.x",
                     "pids.max=7 /unified/pids.max"}));
}

// ---- whose they are, and the order ----------------------------------------------------------------------

TEST(Settings, TheConfigsUnlessSaidOtherwise) {
    const auto resources = spec::parse_resources(R"({"pids":{"limit":5}})", "resources").value();
    EXPECT_EQ(settings_of(resources)->front().pointer, "config.json: /linux/resources/pids/limit");
    EXPECT_EQ(settings_of(resources, {}, "other.json: ")->front().pointer, "other.json: /pids/limit");
    const auto wrong = spec::parse_resources(R"({"memory":{"swap":5}})", "resources").value();
    EXPECT_TRUE(
        settings_of(wrong).error().text.starts_with("config.json: /linux/resources/memory/swap: 5: "));
    EXPECT_TRUE(settings_of(wrong, {}, "x: ").error().text.starts_with("x: /memory/swap: 5: "));
}

TEST(Settings, AllTogetherInTheOrderOfRunc) {
    const Lines files = lines_of(R"({
        "unified":{"cpu.weight":"3"}, "rdma":{"r":{"hcaHandles":1}},
        "hugepageLimits":[{"pageSize":"2MB","limit":0}],
        "cpu":{"shares":2,"idle":1,"quota":5000,"burst":1,"cpus":"0","mems":"0"},
        "blockIO":{"weight":10,"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]},
        "memory":{"limit":2,"swap":4,"reservation":1}, "pids":{"limit":9}})");
    Lines names;
    for (const std::string& each : files) names.push_back(each.substr(0, each.find('=')));
    EXPECT_EQ(names, (Lines{"pids.max", "memory.swap.max", "memory.max", "memory.low", "io.bfq.weight",
                            "io.max", "cpu.idle", "cpu.max", "cpu.max.burst", "cpuset.cpus", "cpuset.mems",
                            "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max", "rdma.max", "cpu.weight"}));
}

// ---- the formulas ---------------------------------------------------------------------------------------

// Computed with 60 digits, so that a ceiling of a rounded power shows.
TEST(CpuWeight, IsTheQuadraticFormula) {
    struct Pair {
        std::uint64_t shares, weight;
    };
    constexpr std::uint64_t most = UINT64_MAX;
    for (const auto& [shares, weight] : {
             Pair{0, 1},     {1, 1},          {2, 1},          {3, 2},          {4, 2},
             {5, 2},         {10, 4},         {64, 12},        {100, 17},       {128, 21},
             {256, 35},      {500, 58},       {512, 59},       {513, 59},       {1000, 99},
             {1023, 100},    {1024, 100},     {1025, 101},     {1536, 138},     {2048, 174},
             {4096, 303},    {8192, 532},     {16384, 942},    {65536, 3023},   {100000, 4340},
             {131072, 5478}, {262142, 10000}, {262143, 10000}, {262144, 10000}, {262145, 10000},
             {most, 10000},
         })
        EXPECT_EQ(cpu_weight(shares), weight) << shares;
}

TEST(CpuWeight, NeverFalls) {
    for (std::uint64_t shares = 1; shares <= 262145; ++shares)
        ASSERT_LE(cpu_weight(shares - 1), cpu_weight(shares)) << shares;
}

TEST(IoWeight, IsLinearFromEndToEnd) {
    EXPECT_EQ(io_weight(10), 1u);
    EXPECT_EQ(io_weight(11), 11u);
    EXPECT_EQ(io_weight(100), 910u);
    EXPECT_EQ(io_weight(500), 4950u);
    EXPECT_EQ(io_weight(999), 9989u);
    EXPECT_EQ(io_weight(1000), 10000u);
}

TEST(ControllerOf, IsWhatStandsBeforeTheFirstDot) {
    EXPECT_EQ(controller_of("memory.swap.max"), "memory");
    EXPECT_EQ(controller_of("hugetlb.2MB.rsvd.max"), "hugetlb");
    EXPECT_EQ(controller_of("cpuset.cpus"), "cpuset");
    EXPECT_EQ(controller_of("memory"), "memory");
    EXPECT_EQ(controller_of(".x"), "");
    EXPECT_EQ(controller_of(""), "");
}

}  // namespace
}  // namespace bulkhead::cgroups
