// SPDX-License-Identifier: Apache-2.0
// On plain directories in the place of a hierarchy.
#include "cgroups/limits/controllers.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/folder.hpp"

namespace bulkhead::cgroups {
namespace {

// "" is the root of the hierarchy.
void make_group(const test::Folder& root, const std::string& path, const std::string& controllers,
                const std::string& handed_down) {
    const std::string directory = root / path;
    ::mkdir(directory.c_str(), 0755);
    test::write_text(directory + "/cgroup.controllers", controllers);
    test::write_text(directory + "/cgroup.subtree_control", handed_down);
}

// Somebody is in it.
void occupy(const test::Folder& root, const std::string& path) {
    test::write_text(root / (path + "/cgroup.type"), "domain\n");
    test::write_text(root / (path + "/cgroup.procs"), "17\n");
}

std::vector<plan::CgroupSetting> settings(std::initializer_list<const char*> files) {
    std::vector<plan::CgroupSetting> list;
    for (const char* file : files) list.push_back({.file = file, .text = "1", .pointer = "/x"});
    return list;
}

TEST(ControllersOf, AreNamedOnceAndSorted) {
    EXPECT_EQ(controllers_of(settings({"pids.max", "memory.max", "memory.low", "cpuset.cpus"})),
              (std::vector<std::string>{"cpuset", "memory", "pids"}));
    EXPECT_TRUE(controllers_of({}).empty());
    EXPECT_TRUE(controllers_of(settings({"cgroup.max.depth"})).empty()) << "every cgroup has that";
}

TEST(CheckSettings, TakesWhatTheRootHasAndThoseBelowMayHandDown) {
    const test::Folder root;
    make_group(root, "", "cpu memory pids\n", "memory\n");
    make_group(root, "a", "memory\n", "\n");
    EXPECT_TRUE(check_settings(root.fd(), "/b/c", settings({"cpu.weight", "pids.max"})));
    EXPECT_TRUE(check_settings(root.fd(), "/a/box", settings({"memory.max", "pids.max"})));
    EXPECT_TRUE(check_settings(root.fd(), "/a/box", settings({"cgroup.max.descendants"})));
    const auto missing = check_settings(root.fd(), "/a/box", settings({"memory.max", "nonsense.max"}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, Kind::unsupported);
    EXPECT_EQ(missing.error().text,
              "/x: the cgroup controller \"nonsense\" is not available: cgroup / has cpu memory pids");
}

TEST(CheckSettings, PassesWhatLimitsNothingByWhereItsControllerIsMissing) {
    const test::Folder root;
    make_group(root, "", "memory\n", "\n");
    make_group(root, "a", "\n", "\n");
    occupy(root, "a");
    std::vector<plan::CgroupSetting> unlimited = settings({"pids.max", "memory.max"});
    for (plan::CgroupSetting& each : unlimited) each.may_lack = true;
    EXPECT_TRUE(check_settings(root.fd(), "/box", unlimited));
    EXPECT_TRUE(check_settings(root.fd(), "/a/box", unlimited)) << "the cgroup above cannot hand it down";
    EXPECT_TRUE(controllers_of(unlimited).empty());
    unlimited.front().may_lack = false;
    const auto missing = check_settings(root.fd(), "/box", unlimited);
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().text.starts_with("/x: the cgroup controller \"pids\" is not available: "))
        << missing.error().text;
}

TEST(CheckSettings, NamesAPageSizeThatThisMachineDoesNotHave) {
    const test::Folder root;
    make_group(root, "", "hugetlb\n", "\n");
    const auto missing = check_settings(root.fd(), "/box", settings({"hugetlb.512GB.max"}));
    ASSERT_FALSE(missing);
    EXPECT_TRUE(
        missing.error().text.starts_with("/x: \"512GB\": this machine has no huge pages of this size, only "))
        << missing.error().text;
}

TEST(CheckSettings, NamesAnOccupiedCgroupThatWouldHaveToGiveIt) {
    const test::Folder root;
    make_group(root, "", "pids memory\n", "pids memory\n");
    make_group(root, "a", "pids memory\n", "pids\n");
    occupy(root, "a");
    EXPECT_TRUE(check_settings(root.fd(), "/a/box", settings({"pids.max"}))) << "it gives that already";
    const auto missing = check_settings(root.fd(), "/a/box", settings({"memory.max"}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, Kind::bad_state);
    EXPECT_EQ(missing.error().text,
              "/x: cgroup /a cannot hand down the controller memory: there are processes in it");
}

TEST(EnableControllers, WritesToAllAboveWhatIsNotThere) {
    const test::Folder root;
    make_group(root, "", "cpu memory\n", "cpu\n");
    make_group(root, "a", "cpu memory\n", "\n");
    const std::vector<std::string> wanted{"cpu", "memory"};
    ASSERT_TRUE(enable_controllers(root.fd(), "/a/box", wanted));
    EXPECT_TRUE(test::text_of(root / "cgroup.subtree_control").starts_with("+memory"));
    EXPECT_EQ(test::text_of(root / "a/cgroup.subtree_control"), "+memory") << "the last of two writes";
}

TEST(EnableControllers, LeavesACgroupWithProcessesAlone) {
    const test::Folder root;
    make_group(root, "", "pids\n", "pids\n");
    make_group(root, "a", "pids\n", "\n");
    occupy(root, "a");
    const auto enabled = enable_controllers(root.fd(), "/a/box", std::vector<std::string>{"pids"});
    ASSERT_FALSE(enabled);
    EXPECT_EQ(enabled.error().text,
              "cgroup /a cannot hand down the controller pids: there are processes in it");
    EXPECT_EQ(test::text_of(root / "a/cgroup.subtree_control"), "\n");
}

TEST(EnableControllers, HandsDownTheOthersAsFarAsItGoes) {
    const test::Folder root;
    make_group(root, "", "memory\n", "\n");
    make_group(root, "a", "memory\n", "\n");
    make_group(root, "a/b", "\n", "\n");
    occupy(root, "a");
    ASSERT_TRUE(enable_controllers(root.fd(), "/a/b/box", {}));
    EXPECT_EQ(test::text_of(root / "cgroup.subtree_control"), "+memory");
    EXPECT_EQ(test::text_of(root / "a/cgroup.subtree_control"), "\n") << "there are processes in it";
    EXPECT_EQ(test::text_of(root / "a/b/cgroup.subtree_control"), "\n") << "it cannot have it";
}

TEST(EnableControllers, LeavesThoseAboveAloneWhereTheNearestHasAll) {
    const test::Folder root;
    make_group(root, "", "cpu\n", "\n");
    make_group(root, "a", "cpu\n", "cpu\n");
    ASSERT_TRUE(enable_controllers(root.fd(), "/a/box", std::vector<std::string>{"cpu"}));
    EXPECT_EQ(test::text_of(root / "cgroup.subtree_control"), "\n");
}

}  // namespace
}  // namespace bulkhead::cgroups
