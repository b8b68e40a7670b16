// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/unit_properties.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace bulkhead::cgroups {
namespace {

using Lines = std::vector<std::string>;

constexpr unsigned newest = 260;
constexpr std::string_view infinity = "18446744073709551615";

// "MemoryMax t 5", one line a property.
Lines lines_of(const std::vector<plan::UnitProperty>& properties) {
    Lines lines;
    for (const plan::UnitProperty& each : properties)
        lines.push_back(cat(each.name, ' ', each.signature, ' ', join(each.values, " ")));
    return lines;
}

Lines of(std::string file, std::string text, unsigned version = newest, const Present& present = {}) {
    const plan::CgroupSetting setting{.file = std::move(file), .text = std::move(text), .pointer = {}};
    return lines_of(properties_of_limits({{setting}}, version, present));
}

std::string endless(std::string_view name) { return cat(name, " t ", infinity); }

TEST(UnitProperties, ScopesAreDelegated) {
    EXPECT_EQ(lines_of(properties_of_unit({"p-n.scope", "a.slice"}, "box")),
              (Lines{"Description s bulkhead container box", "Slice s a.slice", "Delegate b true",
                     "CollectMode s inactive-or-failed", "MemoryAccounting b true", "CPUAccounting b true",
                     "IOAccounting b true", "TasksAccounting b true", "DefaultDependencies b false"}));
}

TEST(UnitProperties, SlicesAreNot) {
    const Lines lines = lines_of(properties_of_unit({"a-b.slice", "a.slice"}, "box"));
    EXPECT_EQ(lines.at(1), "Wants as 1 a.slice");
    EXPECT_EQ(lines.size(), 7u);
}

TEST(UnitLimits, AmountsAndWeights) {
    EXPECT_EQ(of("memory.max", "1048576"), Lines{"MemoryMax t 1048576"});
    EXPECT_EQ(of("memory.max", "max"), Lines{endless("MemoryMax")});
    EXPECT_EQ(of("memory.low", "4k"), Lines{"MemoryLow t 4096"});
    EXPECT_EQ(of("memory.high", "3M"), Lines{"MemoryHigh t 3145728"});
    EXPECT_EQ(of("memory.min", "1G"), Lines{"MemoryMin t 1073741824"});
    EXPECT_EQ(of("memory.swap.max", "0"), Lines{"MemorySwapMax t 0"});
    EXPECT_EQ(of("memory.zswap.max", "0"), Lines{"MemoryZSwapMax t 0"});
    EXPECT_EQ(of("memory.zswap.max", "0", 252), Lines{});
    EXPECT_EQ(of("memory.zswap.writeback", "0"), Lines{"MemoryZSwapWriteback b false"});
    EXPECT_EQ(of("pids.max", "7"), Lines{"TasksMax t 7"});
    EXPECT_EQ(of("pids.max", "max"), Lines{endless("TasksMax")});
    EXPECT_EQ(of("cpu.weight", "59"), Lines{"CPUWeight t 59"});
    EXPECT_EQ(of("io.weight", "default 50"), Lines{"IOWeight t 50"});
    EXPECT_EQ(of("io.weight", "50"), Lines{"IOWeight t 50"});
}

TEST(UnitLimits, IdleIsAWeight) {
    EXPECT_EQ(of("cpu.idle", "1"), Lines{"CPUWeight t 0"});
    EXPECT_EQ(of("cpu.idle", "0", newest, {.cpu_weight = "0"}), Lines{endless("CPUWeight")}) << "unset";
    EXPECT_EQ(of("cpu.idle", "0", newest, {.cpu_weight = "59"}), Lines{}) << "it was not idle";
    EXPECT_EQ(of("cpu.idle", "1", 251), Lines{});
}

TEST(UnitLimits, NotIdleLeavesAWeightAlone) {
    const auto both = [](const char* idle) {
        return std::vector{plan::CgroupSetting{.file = "cpu.weight", .text = "59", .pointer = {}},
                           plan::CgroupSetting{.file = "cpu.idle", .text = idle, .pointer = {}}};
    };
    EXPECT_EQ(lines_of(properties_of_limits(both("0"), newest)), Lines{"CPUWeight t 59"});
    EXPECT_EQ(lines_of(properties_of_limits(both("0"), newest, {.cpu_weight = "0"})),
              Lines{"CPUWeight t 59"});
}

TEST(UnitLimits, TheWeightOfBfqIsThatOfTheCostModel) {
    plan::CgroupSetting setting{.file = "io.bfq.weight", .text = "500", .pointer = {}};
    EXPECT_TRUE(properties_of_limits({{setting}}, newest).empty()) << "not on its scale";
    setting.other_file = "io.weight";
    setting.other_text = "4950";
    EXPECT_EQ(lines_of(properties_of_limits({{setting}}, newest)), Lines{"IOWeight t 4950"});
}

// 1 % of a CPU is 10 ms in each second.
TEST(UnitLimits, QuotasAreRoundedUp) {
    EXPECT_EQ(of("cpu.max", "50000 100000"),
              (Lines{"CPUQuotaPeriodUSec t 100000", "CPUQuotaPerSecUSec t 500000"}));
    EXPECT_EQ(of("cpu.max", "12345 100000").at(1), "CPUQuotaPerSecUSec t 130000");
    EXPECT_EQ(of("cpu.max", "1000 1000000").at(1), "CPUQuotaPerSecUSec t 10000");
    EXPECT_EQ(of("cpu.max", "20000 1000000").at(1), "CPUQuotaPerSecUSec t 20000");
    EXPECT_EQ(of("cpu.max", "20001 1000000").at(1), "CPUQuotaPerSecUSec t 30000");
    EXPECT_EQ(of("cpu.max", "400000 100000").at(1), "CPUQuotaPerSecUSec t 4000000");
    EXPECT_EQ(of("cpu.max", "max 50000"),
              (Lines{"CPUQuotaPeriodUSec t 50000", endless("CPUQuotaPerSecUSec")}));
    EXPECT_EQ(of("cpu.max", "9223372036854775807 100000").at(1), endless("CPUQuotaPerSecUSec"));
}

TEST(UnitLimits, AQuotaAloneKeepsThePeriod) {
    EXPECT_EQ(of("cpu.max", "50000"), Lines{"CPUQuotaPerSecUSec t 500000"});
    EXPECT_EQ(of("cpu.max", "50000", newest, {.cpu_max = "max 200000"}),
              Lines{"CPUQuotaPerSecUSec t 250000"});
}

TEST(UnitLimits, ListsAreMasks) {
    EXPECT_EQ(of("cpuset.cpus", "\n"), Lines{"AllowedCPUs ay 0"});
    EXPECT_EQ(of("cpuset.cpus", "0"), Lines{"AllowedCPUs ay 1 1"});
    EXPECT_EQ(of("cpuset.cpus", "0-1,3"), Lines{"AllowedCPUs ay 1 11"});
    EXPECT_EQ(of("cpuset.cpus", "8"), Lines{"AllowedCPUs ay 2 0 1"});
    EXPECT_EQ(of("cpuset.cpus", "7-8"), Lines{"AllowedCPUs ay 2 128 1"});
    EXPECT_EQ(of("cpuset.mems", "1"), Lines{"AllowedMemoryNodes ay 1 2"});
    EXPECT_EQ(of("cpuset.cpus", "0", 243), Lines{}) << "not known to this systemd";
    for (const char* text : {"", "x", "1-0", "0-", "-1", "0,,1", "0-7:2/4", "8192", "99999999999"})
        EXPECT_EQ(of("cpuset.cpus", text), Lines{}) << text;
}

TEST(UnitLimits, OfTheOomKiller) {
    const auto of_new_scope = [](std::string text, unsigned version = newest) {
        const plan::CgroupSetting setting{.file = "memory.oom.group", .text = std::move(text), .pointer = {}};
        return lines_of(properties_of_limits({{setting}}, version, {}, true));
    };
    EXPECT_EQ(of_new_scope("1"), Lines{"OOMPolicy s kill"});
    EXPECT_EQ(of_new_scope("0"), Lines{"OOMPolicy s continue"});
    EXPECT_EQ(of_new_scope("1", 252), Lines{});
    EXPECT_EQ(of("memory.oom.group", "1"), Lines{}) << "systemd refuses it later, and of a slice";
}

TEST(UnitLimits, LeaveOutWhatSystemdCannotSay) {
    for (const auto& [file, text] : {std::pair{"hugetlb.2MB.max", "0"},
                                     {"io.max", "8:0 rbps=5"},
                                     {"rdma.max", "mlx5 hca_handle=1"},
                                     {"cpu.max.burst", "5"},
                                     {"io.weight", "8:0 50"},
                                     {"memory.max", "lots"},
                                     {"memory.max", "5T"},
                                     {"memory.max", "17179869184G"},
                                     {"memory.max", "-1"},
                                     {"cpu.weight", "idle"},
                                     {"cpu.max", "5 0"},
                                     {"cpu.max", "a b"},
                                     {"cpu.idle", "2"},
                                     {"pids.max", ""}})
        EXPECT_EQ(of(file, text), Lines{}) << file << ' ' << text;
}

// A `unified` key comes behind what the other properties ask for, here as in the files.
TEST(UnitLimits, KeepTheOrderOfTheFiles) {
    spec::Resources resources;
    resources.memory.limit = 5 << 20;
    resources.memory.swap = 6 << 20;
    resources.cpu.shares = 512;
    resources.pids.limit = 0;
    resources.unified = {{"memory.max", "7M"}, {"memory.oom.group", "1"}};
    EXPECT_EQ(lines_of(properties_of_limits(settings_of(resources).value(), 252)),
              (Lines{"TasksMax t 1", "MemorySwapMax t 1048576", "MemoryMax t 5242880", "CPUWeight t 59",
                     "MemoryMax t 7340032"}));
}

// ---- annotations ----------------------------------------------------------------------------------------

Result<std::vector<plan::UnitProperty>> annotated(const std::string& name, const std::string& text) {
    return properties_of_annotations({{"org.systemd.property." + name, text}, {"org.example", "'no'"}});
}

TEST(UnitAnnotations, AreProperties) {
    for (const auto& [name, text, line] :
         {std::tuple{"KillSignal", "15", "KillSignal i 15"},
          {"TimeoutStopUSec", "uint64 30000000", "TimeoutStopUSec t 30000000"},
          {"CollectMode", "'inactive-or-failed'", "CollectMode s inactive-or-failed"},
          {"DefaultDependencies", "true", "DefaultDependencies b true"},
          {"After", "['crio.service', 'a.service']", "After as 2 crio.service a.service"},
          {"TimeoutStopSec", "30", "TimeoutStopUSec t 30000000"},
          {"TimeoutStopSec", "uint64 2", "TimeoutStopUSec t 2000000"},
          {"TimeoutStopSec", "0.25", "TimeoutStopUSec t 250000"},
          {"TimeoutStopSec", "0", "TimeoutStopUSec t 0"}})
        EXPECT_EQ(lines_of(annotated(name, text).value()), Lines{line}) << name << ' ' << text;
    EXPECT_TRUE(properties_of_annotations({{"org.systemd", "5"}, {"x", "y"}})->empty());
}

TEST(UnitAnnotations, ThatAreWrongAreNamed) {
    for (const auto& [name, text, reason] :
         {std::tuple{"KillSignal", "SIGTERM", "\"SIGTERM\": \"SIGTERM\": is no value"},
          {"Ab", "5", "\"5\": the name of the property is too short"},
          {"Kill Signal", "5", "\"5\": the name of a property has nothing but letters"},
          {"PIDs", "@au [1]", "the runtime says itself"},
          {"Slice", "'a.slice'", "the runtime says itself"},
          {"TimeoutStopSec", "'5'", "must be a number of seconds"},
          {"TimeoutStopSec", "-1", "must be a number of seconds"},
          {"TimeoutStopSec", "uint64 18446744073709551615", "must be a number of seconds"},
          {"TimeoutStopSec", "[5]", "must be a number of seconds"}}) {
        const auto refused = annotated(name, text);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().kind, Kind::invalid_config);
        EXPECT_TRUE(
            refused.error().text.starts_with(cat("config.json: /annotations/org.systemd.property.", name)))
            << refused.error().text;
        EXPECT_NE(refused.error().text.find(reason), std::string::npos) << refused.error().text;
    }
}

TEST(SystemdVersion, IsTheFirstNumber) {
    EXPECT_EQ(systemd_version("252.38-1~deb12u1"), 252u);
    EXPECT_EQ(systemd_version("v245.4-4ubuntu3"), 245u);
    EXPECT_EQ(systemd_version("257"), 257u);
    EXPECT_EQ(systemd_version(""), 0u);
    EXPECT_EQ(systemd_version("unknown"), 0u);
}

}  // namespace
}  // namespace bulkhead::cgroups
