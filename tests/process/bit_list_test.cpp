// SPDX-License-Identifier: Apache-2.0
#include "process/plan.hpp"
#include "support/planning.hpp"

namespace bulkhead::process {
namespace {

using Mask = std::vector<std::uint32_t>;

constexpr const char* pointer = "/process/execCPUAffinity/initial";

Mask mask(std::string_view list) { return cpu_mask(list, pointer).value(); }

TEST(CpuMask, HasABitForEachCpuInWholeLongs) {
    EXPECT_EQ(mask("0"), (Mask{1, 0}));
    EXPECT_EQ(mask("0-3,7"), (Mask{0x8f, 0}));
    EXPECT_EQ(mask("31,32"), (Mask{0x80000000, 1}));
    EXPECT_EQ(mask("64"), (Mask{0, 0, 1, 0}));
    EXPECT_EQ(mask("8191").size(), 256u);
}

TEST(CpuMask, TakesBlanksAndTheSameCpuTwice) {
    EXPECT_EQ(mask(" 0 , 1-2 "), (Mask{7, 0}));
    EXPECT_EQ(mask("1,1,0-1"), (Mask{3, 0}));
}

TEST(CpuMask, OfAnEmptyListIsEmpty) {
    EXPECT_EQ(mask(""), Mask{});
    EXPECT_EQ(mask(" "), Mask{});
}

TEST(CpuMask, RefusesWhatIsNoList) {
    for (const char* list : {"3-1", "1-", "-1", "0,,1", "0,", "8192", "0 1", "1-2-3", "4294967296"}) {
        const auto refused = cpu_mask(list, pointer);
        ASSERT_FALSE(refused) << list;
        EXPECT_EQ(refused.error().text, cat("config.json: ", pointer, ": ", quoted(list),
                                            ": must be a list of CPUs such as 0-3,7"));
    }
}

TEST(NodeMask, TakesAsManyAsThePageOfTheKernel) {
    constexpr const char* place = "/linux/memoryPolicy/nodes";
    EXPECT_EQ(node_mask("0,33", place).value(), (Mask{1, 2}));
    EXPECT_EQ(node_mask("32767", place).value().size(), 1024u);
    EXPECT_EQ(node_mask("32768", place).error().text,
              "config.json: /linux/memoryPolicy/nodes: \"32768\": must be a list of nodes such as 0-3,7");
}

test::Lines affinity(const std::optional<std::string>& list) {
    return test::init_lines(
        [&](plan::TimelineBuilder& timeline) { EXPECT_TRUE(plan_affinity(timeline, list)); });
}

TEST(Affinity, WithoutAListIsEveryCpu) {
    EXPECT_EQ(affinity(std::nullopt), test::Lines{"init set_affinity every CPU of the cgroup"});
}

TEST(Affinity, OfAListIsThat) {
    EXPECT_EQ(affinity("0-1"), test::Lines{"init set_affinity to 0x3,0 (/process/execCPUAffinity/final)"});
}

TEST(Affinity, OfAnEmptyListIsLeftToTheKernel) { EXPECT_EQ(affinity(""), test::Lines{}); }

}  // namespace
}  // namespace bulkhead::process
