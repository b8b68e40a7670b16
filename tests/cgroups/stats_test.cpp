// SPDX-License-Identifier: Apache-2.0
// The files of a cgroup as Linux 6.1 writes them, in a folder: no value of a real one is known beforehand.
#include "cgroups/statistics/stats.hpp"

#include <gtest/gtest.h>

#include "support/folder.hpp"

namespace bulkhead::cgroups {
namespace {

using test::write_text;

constexpr const char* pressure =
    "some avg10=12.34 avg60=0.50 avg300=100.00 total=987654321\n"
    "full avg10=0.00 avg60=0.01 avg300=3.00 total=1\n";

TEST(CpuText, IsInMicroseconds) {
    const CpuStats cpu = parse_cpu(
        "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n"
        "nr_periods 10\nnr_throttled 3\nthrottled_usec 250\nnr_bursts 1\nburst_usec 2\n");
    EXPECT_EQ(cpu.usage, 1234567000u);
    EXPECT_EQ(cpu.user, 1000000000u);
    EXPECT_EQ(cpu.system, 234567000u);
    EXPECT_EQ(cpu.periods, 10u);
    EXPECT_EQ(cpu.throttled_periods, 3u);
    EXPECT_EQ(cpu.throttled_time, 250000u);
    EXPECT_FALSE(cpu.stall);
}

TEST(CpuText, HasNoPeriodsWithoutTheController) {
    const CpuStats cpu = parse_cpu("usage_usec 5\nuser_usec 2\nsystem_usec 3\n");
    EXPECT_EQ(cpu.usage, 5000u);
    EXPECT_EQ(cpu.periods, 0u);
    EXPECT_EQ(parse_cpu("").usage, 0u);
}

TEST(IoText, IsTwoListsInTheOrderOfTheFile) {
    const IoStats io = parse_io(
        "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=7 dios=8\n"
        "8:16 \n"
        "259:1 rbytes=0 wbytes=18446744073709551615 rios=0 wios=5 cost.usage=1\n");
    ASSERT_EQ(io.bytes.size(), 4u);
    ASSERT_EQ(io.operations.size(), 4u);
    EXPECT_EQ(io.bytes[0].major, 254u);
    EXPECT_EQ(io.bytes[0].minor, 0u);
    EXPECT_FALSE(io.bytes[0].is_write);
    EXPECT_EQ(io.bytes[0].value, 4096u);
    EXPECT_TRUE(io.bytes[1].is_write);
    EXPECT_EQ(io.bytes[1].value, 8192u);
    EXPECT_EQ(io.bytes[2].major, 259u);
    EXPECT_EQ(io.bytes[2].minor, 1u);
    EXPECT_EQ(io.bytes[3].value, 18446744073709551615u);
    EXPECT_FALSE(io.operations[0].is_write);
    EXPECT_EQ(io.operations[0].value, 1u);
    EXPECT_TRUE(io.operations[1].is_write);
    EXPECT_EQ(io.operations[1].value, 2u);
    EXPECT_EQ(io.operations[3].value, 5u);
}

TEST(IoText, LeavesOutWhatIsNoDevice) {
    for (const char* text :
         {"", "8 rbytes=1\n", "a:0 rbytes=1\n", "8:b rbytes=1\n", ":0 rbytes=1\n", "8:0\n"})
        EXPECT_TRUE(parse_io(text).bytes.empty()) << text;
}

TEST(StallText, HasSomeAndFull) {
    const Stall stall = parse_stall(pressure);
    EXPECT_EQ(stall.some.avg10, 12.34);
    EXPECT_EQ(stall.some.avg60, 0.5);
    EXPECT_EQ(stall.some.avg300, 100);
    EXPECT_EQ(stall.some.total, 987654321u);
    EXPECT_EQ(stall.full.avg60, 0.01);
    EXPECT_EQ(stall.full.total, 1u);
}

TEST(StallText, HasNoFullForTheCpuBefore513) {
    const Stall stall = parse_stall("some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n");
    EXPECT_EQ(stall.some.avg10, 1);
    EXPECT_EQ(stall.full.total, 0u);
}

// ---- all of it --------------------------------------------------------------------------------------------

TEST(ReadStats, WithEveryController) {
    test::Folder cgroup;
    for (const auto& [file, text] : std::map<std::string, std::string>{
             {"cpu.stat", "usage_usec 5\n"},
             {"cpu.pressure", pressure},
             {"memory.current", "1000\n"},
             {"memory.max", "max\n"},
             {"memory.peak", "2000\n"},
             {"memory.swap.current", "10\n"},
             {"memory.swap.max", "20\n"},
             {"memory.stat", "anon 100\nfile 200\n"},
             {"memory.pressure", pressure},
             {"pids.current", "3\n"},
             {"pids.max", "9\n"},
             {"io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n"},
             {"io.pressure", pressure},
             {"hugetlb.2MB.current", "4194304\n"},
             {"hugetlb.2MB.rsvd.current", "6291456\n"},
             {"hugetlb.2MB.events", "max 7\n"},
             {"hugetlb.1GB.current", "0\n"},
             {"hugetlb.1GB.events", "max 0\n"},
         })
        write_text(cgroup / file, text);
    const Stats stats = read_stats(cgroup.fd()).value();
    EXPECT_EQ(stats.cpu.usage, 5000u);
    EXPECT_EQ(stats.cpu.stall->some.avg10, 12.34);
    EXPECT_EQ(stats.memory.memory.usage, 1000u);
    EXPECT_EQ(stats.memory.memory.limit, unlimited);
    EXPECT_EQ(stats.memory.memory.peak, 2000u);
    EXPECT_EQ(stats.memory.swap.usage, 10u);
    EXPECT_EQ(stats.memory.swap.limit, 20u);
    EXPECT_EQ(stats.memory.swap.peak, 0u);
    EXPECT_EQ(stats.memory.raw.at("file"), 200u);
    EXPECT_EQ(stats.memory.stall->full.total, 1u);
    EXPECT_EQ(stats.pids.current, 3u);
    EXPECT_EQ(stats.pids.limit, 9u);
    EXPECT_EQ(stats.io.bytes.size(), 2u);
    EXPECT_EQ(stats.io.stall->some.total, 987654321u);
    ASSERT_EQ(stats.huge_pages.size(), 2u);
    EXPECT_EQ(stats.huge_pages.at("2MB").usage, 4194304u);
    EXPECT_EQ(stats.huge_pages.at("2MB").failures, 7u);
    EXPECT_EQ(stats.huge_pages.at("1GB").usage, 0u);
}

TEST(ReadStats, WithoutAController) {
    test::Folder cgroup;
    write_text(cgroup / "cpu.stat", "usage_usec 5\n");
    write_text(cgroup / "cgroup.procs", "12\n34\n");
    const Stats stats = read_stats(cgroup.fd()).value();
    EXPECT_EQ(stats.cpu.usage, 5000u);
    EXPECT_FALSE(stats.cpu.stall);
    EXPECT_EQ(stats.memory.memory.limit, 0u);
    EXPECT_TRUE(stats.memory.raw.empty());
    EXPECT_EQ(stats.pids.current, 2u);
    EXPECT_EQ(stats.pids.limit, unlimited);
    EXPECT_TRUE(stats.io.bytes.empty());
    EXPECT_TRUE(stats.huge_pages.empty());
}

TEST(ReadStats, SaysWhichFileIsOdd) {
    test::Folder cgroup;
    write_text(cgroup / "memory.current", "lots\n");
    EXPECT_EQ(read_stats(cgroup.fd()).error().text, "memory.current: \"lots\\x0a\": not a number");
}

}  // namespace
}  // namespace bulkhead::cgroups
