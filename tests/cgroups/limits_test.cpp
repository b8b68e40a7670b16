// SPDX-License-Identifier: Apache-2.0
// On plain files in the place of a cgroup's: what is written where, and what takes it back.
#include "cgroups/limits/limits.hpp"

#include <gtest/gtest.h>

#include "support/folder.hpp"

namespace bulkhead::cgroups {
namespace {

using plan::CgroupSetting;

CgroupSetting setting(std::string file, std::string text) {
    return {.file = std::move(file), .text = std::move(text), .pointer = "/x"};
}

struct Group : test::Folder {
    void has(const char* file, std::string_view text) const {
        test::write_text(*this / file, std::string(text));
    }
    std::string says(const char* file) const { return test::text_of(*this / file); }
};

TEST(WriteSettings, WritesEachToItsFile) {
    const Group group;
    group.has("memory.max", "");
    group.has("pids.max", "");
    const std::vector settings{setting("memory.max", "64"), setting("pids.max", "5")};
    ASSERT_TRUE(write_settings(group.fd(), settings));
    EXPECT_EQ(group.says("memory.max"), "64");
    EXPECT_EQ(group.says("pids.max"), "5");
}

TEST(WriteSettings, NamesThePropertyOfAFileThatIsNotThere) {
    const Group group;
    const auto written = write_settings(group.fd(), std::vector{setting("memory.max", "64")});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, Kind::unsupported);
    EXPECT_EQ(written.error().text, "/x: \"64\": the kernel has no memory.max for this cgroup");
}

TEST(WriteSettings, DoesWithoutAFileThatMayLack) {
    const Group group;
    CgroupSetting swap = setting("memory.swap.max", "0");
    swap.may_lack = true;
    EXPECT_TRUE(write_settings(group.fd(), std::vector{swap}));
}

TEST(WriteSettings, TakesTheOtherFileWhereTheFirstIsNotThere) {
    const Group group;
    group.has("io.weight", "");
    CgroupSetting weight = setting("io.bfq.weight", "500");
    weight.other_file = "io.weight";
    weight.other_text = "4950";
    ASSERT_TRUE(write_settings(group.fd(), std::vector{weight}));
    EXPECT_EQ(group.says("io.weight"), "4950");
}

TEST(ChangeSettings, ReturnsWhatTakesThemBackNewestFirst) {
    const Group group;
    group.has("memory.max", "max\n");
    group.has("pids.max", "7\n");
    const auto before =
        change_settings(group.fd(), std::vector{setting("memory.max", "64"), setting("pids.max", "5")});
    ASSERT_TRUE(before);
    EXPECT_EQ(*before, (std::vector{setting("pids.max", "7"), setting("memory.max", "max")}));
}

TEST(ChangeSettings, LeavesAllAsItWasWhereOneFails) {
    const Group group;
    group.has("memory.max", "max\n");
    const auto changed =
        change_settings(group.fd(), std::vector{setting("memory.max", "64"), setting("pids.max", "5")});
    ASSERT_FALSE(changed);
    EXPECT_EQ(group.says("memory.max").substr(0, 3), "max");
}

TEST(ChangeSettings, TheWeightGoesWithIdle) {
    const Group group;
    group.has("cpu.weight", "59\n");
    group.has("cpu.idle", "0\n");
    const auto before = change_settings(group.fd(), std::vector{setting("cpu.idle", "1")});
    ASSERT_TRUE(before);
    EXPECT_EQ(*before, (std::vector{setting("cpu.idle", "0"), setting("cpu.weight", "59")}));
}

TEST(RestoreSettings, GoesOnBehindARefusal) {
    const Group group;
    group.has("memory.max", "64");
    restore_settings(group.fd(), std::vector{setting("is.not.there", "5"), setting("memory.max", "128")});
    EXPECT_EQ(group.says("memory.max"), "128");
}

TEST(SettingsNow, AreThoseOfTheFilesThatAreThere) {
    const Group group;
    group.has("memory.oom.group", "1\n");
    const auto now =
        settings_now(group.fd(), std::vector<std::string_view>{"memory.oom.group", "memory.zswap.max"});
    ASSERT_TRUE(now);
    ASSERT_EQ(now->size(), 1u);
    EXPECT_EQ(now->front().file, "memory.oom.group");
    EXPECT_EQ(now->front().text, "1");
}

struct Restored {
    const char* name;
    CgroupSetting written;
    const char* before;
    const char* text;
};

class Restoring : public testing::TestWithParam<Restored> {};

TEST_P(Restoring, BringsBackWhatWasThere) {
    const auto back = restoring(GetParam().written, GetParam().before);
    EXPECT_EQ(back, std::vector{setting(GetParam().written.file, GetParam().text)});
}

const Restored restored[] = {
    {"value", setting("memory.max", "5"), "max\n", "max"},
    {"empty", setting("cpuset.cpus", "0"), "\n", "\n"},
    {"pair", setting("cpu.max", "5 10"), "max 100000\n", "max 100000"},
    {"default_weight", setting("io.weight", "5"), "default 100\n8:0 50\n", "default 100"},
    {"device", setting("io.max", "8:0 rbps=5"), "7:0 rbps=1\n8:0 rbps=max wbps=2\n", "8:0 rbps=max wbps=2"},
    {"new_device", setting("io.max", "8:0 rbps=5"), "8:01 rbps=1\n",
     "8:0 rbps=max wbps=max riops=max wiops=max"},
    {"weight_of_a_device", setting("io.weight", "8:0 5"), "default 100\n", "8:0 default"},
    {"rdma", setting("rdma.max", "mlx hca_handle=5"), "mlx hca_handle=max hca_object=2\n",
     "mlx hca_handle=max hca_object=2"},
    {"new_rdma", setting("rdma.max", "mlx hca_handle=5"), "", "mlx hca_handle=max hca_object=max"},
    {"latency", setting("io.latency", "8:0 target=5"), "", "8:0 target=max"},
    {"misc", setting("misc.max", "sev 5"), "", "sev max"},
};
INSTANTIATE_TEST_SUITE_P(Rows, Restoring, testing::ValuesIn(restored),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(PresentOf, ReadsWhatNewValuesDependOn) {
    const Group group;
    EXPECT_EQ(present_of(group.fd()).cpu_max, "max 100000") << "without the controller";
    EXPECT_EQ(present_of(group.fd()).memory_max, "max") << "without the controller";
    group.has("cpu.max", "5000 100000\n");
    group.has("memory.max", "4096\n");
    EXPECT_EQ(present_of(group.fd()).cpu_max, "5000 100000");
    EXPECT_EQ(present_of(group.fd()).memory_max, "4096");
    group.has("cpu.weight", "59\n");
    EXPECT_EQ(present_of(group.fd()).cpu_weight, "59");
}

TEST(CheckMemory, RefusesWhatLeavesNoRoomOnlyIfAsked) {
    const Group group;
    spec::Memory memory{.limit = 1000, .check_before_update = true};
    EXPECT_TRUE(check_memory(group.fd(), memory, "-: ")) << "without the controller";
    group.has("memory.current", "1000\n");
    const auto refused = check_memory(group.fd(), memory, "-: ");
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().text,
        "-: /memory/limit: 1000: rejecting the limit (checkBeforeUpdate): the container uses 1000 bytes");
    for (const std::int64_t limit : {std::int64_t{1001}, std::int64_t{-1}, std::int64_t{0}}) {
        memory.limit = limit;
        EXPECT_TRUE(check_memory(group.fd(), memory, "-: ")) << limit;
    }
    memory.swap = 999;
    ASSERT_FALSE(check_memory(group.fd(), memory, "-: "));
    EXPECT_TRUE(check_memory(group.fd(), memory, "-: ").error().text.starts_with("-: /memory/swap: 999: "));
    memory.check_before_update = false;
    EXPECT_TRUE(check_memory(group.fd(), memory, "-: "));
}

}  // namespace
}  // namespace bulkhead::cgroups
