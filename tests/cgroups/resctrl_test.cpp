// SPDX-License-Identifier: Apache-2.0
// What needs no kernel of its own: a folder with the files of a group is one as far as these functions look.
#include "cgroups/resctrl/resctrl.hpp"

#include <gtest/gtest.h>

#include "cgroups/resctrl/resctrl_stats.hpp"
#include "support/folder.hpp"

namespace bulkhead::cgroups {
namespace {

using Strings = std::vector<std::string>;
using test::Folder;

constexpr const char* schemata = "    L3:0=000ff;1=fffff\n    MB:0= 20;1=100\n";

// A group as a machine of two caches has it.
std::string group_in(const Folder& folder, const std::string& name) {
    const std::string path = folder / name;
    std::filesystem::create_directories(path + "/mon_data/mon_L3_00");
    test::write_text(path + "/tasks", "");
    test::write_text(path + "/schemata", schemata);
    return path;
}

TEST(Schemata, AreTheSameInOtherWords) {
    for (const char* wanted : {"L3:0=ff;1=fffff", "L3:0=ff", "L3:1=FFFFF;0=0xff", "MB:0=20", "MB:1=0100;0=20",
                               " L3: 0 = ff ;", "L3:0=ff\nMB:0=20", ""})
        EXPECT_EQ(missing_in_schemata(schemata, wanted), Strings()) << wanted;
}

TEST(Schemata, NameWhatIsNotInThem) {
    const std::pair<const char*, Strings> table[] = {
        {"L3:0=f", {"L3:0=f"}},
        {"L3:0=ff;1=1", {"L3:1=1"}},
        {"L3:2=ff", {"L3:2=ff"}},
        {"L2:0=ff", {"L2:0=ff"}},
        {"L3:0=ff\nMB:0=30;1=90", {"MB:0=30", "MB:1=90"}},
        {"MB:0=2", {"MB:0=2"}},
        {"nonsense", {"nonsense:"}},
    };
    for (const auto& [wanted, missing] : table)
        EXPECT_EQ(missing_in_schemata(schemata, wanted), missing) << wanted;
}

TEST(Schemata, OfAnotherGroupAreAnErrorThatSaysSo) {
    const Folder folder;
    const std::string path = group_in(folder, "gold");
    EXPECT_TRUE(check_schemata(path, "L3:0=ff;1=fffff"));
    const auto checked = check_schemata(path, "L3:0=ff;1=1");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text,
              cat("\"L3:0=ff;1=1\": the group ", path, " is there with another schema: L3:1=1 is not in it"));
}

TEST(Schemata, AreWholeLinesToTheKernel) {
    const Folder folder;
    const std::string path = group_in(folder, "gold");
    test::write_text(path + "/schemata", "");
    ASSERT_TRUE(write_schemata(folder.path(), path, "L3:0=f"));
    EXPECT_EQ(test::text_of(path + "/schemata"), "L3:0=f\n");
}

TEST(RdtGroups, SayWhatTheKernelSays) {
    const Folder folder;
    std::filesystem::create_directory(folder / "info");
    test::write_text(folder / "info/last_cmd_status", "Mask out of range\n");
    std::filesystem::create_directories(folder / "gold/schemata");
    const auto refusal = [&](const char* group) {
        return write_schemata(folder.path(), folder / group, "L3:0=f").error().text;
    };
    EXPECT_TRUE(refusal("gold").ends_with("is a directory: Mask out of range")) << refusal("gold");
    EXPECT_TRUE(refusal("none").ends_with("no such file or directory")) << refusal("none");
    test::write_text(folder / "info/last_cmd_status", "ok\n");
    EXPECT_TRUE(refusal("gold").ends_with("is a directory")) << refusal("gold");
}

TEST(RdtGroups, ThatAreThereAreTaken) {
    const Folder folder;
    const std::string path = group_in(folder, "gold");
    const auto made = make_rdt_group(folder.path(), path);
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_FALSE(made->created);
    EXPECT_EQ(made->inode, test::status_of_path(path).st_ino);
    EXPECT_EQ(find_rdt_group(path)->inode, made->inode);
    EXPECT_EQ(find_rdt_group(folder / "none").error().kind, Kind::not_found);
}

TEST(RdtGroups, OfMonitoringMustNotBeThere) {
    const Folder folder;
    EXPECT_EQ(make_monitoring_group(folder.path(), group_in(folder, "gold")).error().kind, Kind::exists);
}

// info, mon_groups and mon_data; a directory where the kernel makes no files is none of resctrl either.
TEST(RdtGroups, AreNotWhatElseIsThere) {
    const Folder folder;
    std::filesystem::create_directory(folder / "info");
    for (const auto& tried : {find_rdt_group(folder / "info"), make_rdt_group(folder.path(), folder / "info"),
                              make_rdt_group(folder.path(), folder / "new")}) {
        ASSERT_FALSE(tried);
        EXPECT_TRUE(tried.error().text.ends_with("not a group of resctrl: it has no tasks"))
            << tried.error().text;
    }
    EXPECT_TRUE(test::is_there(folder / "info"));
    EXPECT_FALSE(test::is_there(folder / "new"));
}

TEST(RdtGroups, OfAnotherInodeStay) {
    const Folder folder;
    const std::string path = folder / "box";
    std::filesystem::create_directory(path);
    ASSERT_TRUE(remove_rdt_group(path, test::status_of_path(path).st_ino + 1));
    EXPECT_TRUE(test::is_there(path));
    ASSERT_TRUE(remove_rdt_group(path, test::status_of_path(path).st_ino));
    EXPECT_FALSE(test::is_there(path));
    EXPECT_TRUE(remove_rdt_group(path, 7)) << "it is gone";
}

TEST(RdtGroups, OfUnknownOriginStayWhereSomebodyIsInThem) {
    const Folder folder;
    const std::string path = group_in(folder, "box");
    test::write_text(path + "/tasks", "17\n");
    ASSERT_TRUE(remove_rdt_group(path, 0));
    EXPECT_TRUE(test::is_there(path));
}

TEST(RdtStats, AreWhatTheFilesSay) {
    const Folder folder;
    const std::string path = group_in(folder, "box");
    test::write_text(folder / "schemata", "L3:0=fffff\n");
    std::filesystem::create_directories(folder / "info/L3");
    std::filesystem::create_directories(folder / "info/MB");
    test::write_text(folder / "info/L3/cbm_mask", "fffff\n");
    test::write_text(folder / "info/L3/num_closids", "4\n");
    test::write_text(folder / "info/MB/bandwidth_gran", "10\n");
    test::write_text(path + "/mon_data/mon_L3_00/mbm_total_bytes", "5\n");
    test::write_text(path + "/mon_data/mon_L3_00/mbm_local_bytes", "Unavailable\n");
    test::write_text(path + "/mon_data/mon_L3_00/llc_occupancy", "7\n");
    const auto stats = read_rdt_stats(folder.path(), path, "");
    ASSERT_TRUE(stats) << stats.error().text;
    EXPECT_EQ(stats->cache->mask, "fffff");
    EXPECT_EQ(stats->cache->groups, 4U);
    EXPECT_EQ(stats->bandwidth->granularity, 10U);
    EXPECT_EQ(stats->root_schemata, (Strings{"L3:0=fffff"}));
    EXPECT_EQ(stats->schemata, (Strings{"L3:0=000ff;1=fffff", "MB:0= 20;1=100"}));
    ASSERT_EQ(stats->traffic.size(), 1U);
    EXPECT_EQ(stats->traffic[0].total, 5U);
    EXPECT_EQ(stats->traffic[0].local, 0U);
    EXPECT_EQ(stats->occupancy, std::vector<std::uint64_t>{7});
}

TEST(RdtStats, OfAGroupThatIsGoneAreNone) {
    const Folder folder;
    const auto stats = read_rdt_stats(folder.path(), folder / "none", folder / "none");
    ASSERT_TRUE(stats) << stats.error().text;
    EXPECT_FALSE(stats->cache);
    EXPECT_EQ(stats->schemata, Strings());
}

}  // namespace
}  // namespace bulkhead::cgroups
