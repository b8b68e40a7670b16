// SPDX-License-Identifier: Apache-2.0
#include "cli/resources.hpp"

#include <gtest/gtest.h>

#include "support/folder.hpp"

namespace bulkhead::cli {
namespace {

TEST(ParseSize, TakesUnitsOf1024) {
    const std::pair<const char*, std::int64_t> table[] = {
        {"0", 0},
        {"1", 1},
        {"123456789012345678", 123456789012345678},
        {"1b", 1},
        {"2k", 2048},
        {"2K", 2048},
        {"2kb", 2048},
        {"2KiB", 2048},
        {"512m", 536870912},
        {"1.5G", 3LL << 29},
        {"0.5k", 512},
        {"1t", 1LL << 40},
        {"1p", 1LL << 50},
        {"64 MB", 64 << 20},
        {"-1", -1},
        {"9223372036854775807", 9223372036854775807},
    };
    for (const auto& [word, bytes] : table) EXPECT_EQ(parse_size("memory", word), bytes) << word;
}

TEST(ParseSize, RefusesWhatIsNoSize) {
    for (const char* word : {"", "x", "-2", "--1", "1x", "1kk", "1bb", "m", ".", "1.2.3", "1e3", "0x10",
                             "1  m", " 1", "1m ", "inf", "nan", "+1"}) {
        const auto size = parse_size("memory", word);
        ASSERT_FALSE(size) << word;
        EXPECT_EQ(size.error().kind, Kind::usage);
        EXPECT_TRUE(size.error().text.starts_with(cat("invalid value for memory: \"", word, "\": must be")))
            << size.error().text;
    }
    for (const char* word : {"9223372036854775808", "8192p", "99999999999999999999999"})
        EXPECT_EQ(parse_size("memory", word).error().text,
                  cat("invalid value for memory: \"", word, "\": is out of range"));
}

TEST(UpdateRequest, HasWhatWasGivenAndNothingElse) {
    UpdateFlags flags;
    flags.memory = "1m";
    flags.cpu_share = "7";
    const auto request = update_request(flags, "box");
    ASSERT_TRUE(request) << request.error().text;
    EXPECT_EQ(request->id, "box");
    EXPECT_EQ(request->where, "update: ");
    EXPECT_EQ(request->resources.memory.limit, 1 << 20);
    EXPECT_EQ(request->resources.cpu.shares, 7u);
    EXPECT_FALSE(request->resources.pids.limit);
    EXPECT_FALSE(request->resources.memory.swap);
    EXPECT_TRUE(request->resources.cpu.cpus.empty());
}

TEST(UpdateRequest, TakesEveryFlagToItsProperty) {
    UpdateFlags flags;
    flags.blkio_weight = "11";
    flags.cpu_period = "12";
    flags.cpu_quota = "-13";
    flags.cpu_burst = "14";
    flags.cpu_idle = "1";
    flags.cpuset_cpus = "0-3";
    flags.cpuset_mems = "1";
    flags.memory_reservation = "2k";
    flags.memory_swap = "-1";
    flags.pids_limit = "-1";
    const auto request = update_request(flags, "box");
    ASSERT_TRUE(request) << request.error().text;
    const spec::Resources& wanted = request->resources;
    EXPECT_EQ(wanted.block_io.weight, 11);
    EXPECT_EQ(wanted.cpu.period, 12u);
    EXPECT_EQ(wanted.cpu.quota, -13);
    EXPECT_EQ(wanted.cpu.burst, 14u);
    EXPECT_EQ(wanted.cpu.idle, 1);
    EXPECT_EQ(wanted.cpu.cpus, "0-3");
    EXPECT_EQ(wanted.cpu.mems, "1");
    EXPECT_EQ(wanted.memory.reservation, 2048);
    EXPECT_EQ(wanted.memory.swap, -1);
    EXPECT_EQ(wanted.pids.limit, -1);
}

TEST(UpdateRequest, NamesTheFlagOfAWrongNumber) {
    const std::pair<std::string UpdateFlags::*, const char*> table[] = {
        {&UpdateFlags::blkio_weight, "blkio-weight"},
        {&UpdateFlags::cpu_period, "cpu-period"},
        {&UpdateFlags::cpu_quota, "cpu-quota"},
        {&UpdateFlags::cpu_burst, "cpu-burst"},
        {&UpdateFlags::cpu_share, "cpu-share"},
        {&UpdateFlags::memory, "memory"},
        {&UpdateFlags::memory_swap, "memory-swap"},
        {&UpdateFlags::memory_reservation, "memory-reservation"},
        {&UpdateFlags::pids_limit, "pids-limit"},
    };
    for (const auto& [flag, name] : table) {
        UpdateFlags flags;
        flags.*flag = "7q";
        const auto request = update_request(flags, "box");
        ASSERT_FALSE(request) << name;
        EXPECT_TRUE(request.error().text.starts_with(cat("invalid value for ", name, ": \"7q\": ")))
            << request.error().text;
    }
}

TEST(UpdateRequest, ReadsAFileAndThenNoFlag) {
    const test::Folder folder;
    UpdateFlags flags;
    flags.resources = folder / "limits.json";
    flags.pids_limit = "5";
    test::write_text(flags.resources, R"({"memory":{"limit":77}})");
    const auto request = update_request(flags, "box");
    ASSERT_TRUE(request) << request.error().text;
    EXPECT_EQ(request->where, flags.resources + ": ");
    EXPECT_EQ(request->resources.memory.limit, 77);
    EXPECT_FALSE(request->resources.pids.limit);
}

TEST(UpdateRequest, NamesAFileThatIsNotThere) {
    UpdateFlags flags;
    flags.resources = "/nowhere.json";
    const auto request = update_request(flags, "box");
    ASSERT_FALSE(request);
    EXPECT_TRUE(request.error().text.contains("/nowhere.json")) << request.error().text;
}

TEST(UpdateRequest, HasTheSchemataBesideAFileOfResources) {
    const test::Folder folder;
    test::write_text(folder / "limits.json", R"({"pids": {"limit": 7}})");
    UpdateFlags flags;
    flags.l3_cache_schema = "L3:0=f";
    flags.mem_bw_schema = "MB:0=20";
    flags.resources = folder / "limits.json";
    const auto request = update_request(flags, "box");
    ASSERT_TRUE(request) << request.error().text;
    EXPECT_EQ(request->schemata, (std::vector<std::string>{"L3:0=f", "MB:0=20"}));
    EXPECT_EQ(request->resources.pids.limit, 7);
}

TEST(UpdateRequest, HoldsABandwidthToTheStandard) {
    for (const char* word : {"L3:0=f", "MB:0=20\nL3:0=f"}) {
        UpdateFlags flags;
        flags.mem_bw_schema = word;
        const auto request = update_request(flags, "box");
        ASSERT_FALSE(request) << word;
        EXPECT_TRUE(request.error().text.starts_with("invalid value for mem-bw-schema: "))
            << request.error().text;
    }
}

}  // namespace
}  // namespace bulkhead::cli
