// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bulkhead::cgroups {
namespace {

struct Case {
    std::string_view cgroups_path;
    std::string_view own;
    std::string_view expected;
};

TEST(ContainerPath, FollowsTheRulesOfTheCgroupfsDriver) {
    for (const Case& c : {
             Case{"/a/b", "/x/y", "/a/b"},
             {"/a", "/", "/a"},
             {"a/b", "/x/y", "/x/a/b"},
             {"a", "/x", "/a"},
             {"a", "/", "/a"},
             {"a", "", "/a"},
             {"", "/x/y/z", "/x/y/id"},
             {"", "/", "/id"},
             {"system.slice:docker:4f5e", "/user.slice/session-1.scope",
              "/user.slice/system.slice:docker:4f5e"},
             {"/system.slice:docker:4f5e", "/", "/system.slice:docker:4f5e"},
             {"//a///b/", "/", "/a/b"},
             {"/./a/./b/.", "/", "/a/b"},
             {"./a", "/x/y", "/x/a"},
             {"/a b\xc3\xa9", "/", "/a b\xc3\xa9"},
             {"/..a/b..", "/", "/..a/b.."},
             {"/a", "/../outside", "/a"},
         })
        EXPECT_EQ(container_path(c.cgroups_path, "id", c.own).value_or("error"), c.expected)
            << c.cgroups_path;
}

TEST(ContainerPath, RefusesWhatLeavesTheMountOrIsItsRoot) {
    for (const std::string_view value :
         {"/", "//", "/.", ".", "./", "..", "/..", "/a/../b", "a/..", "../a"}) {
        const auto path = container_path(value, "id", "/x/y");
        ASSERT_FALSE(path) << value;
        EXPECT_EQ(path.error().kind, Kind::invalid_config);
        EXPECT_TRUE(path.error().text.starts_with("/linux/cgroupsPath: \"" + std::string(value) + "\": "));
    }
}

TEST(ContainerPath, RefusesNulAndExcess) {
    EXPECT_TRUE(container_path("/" + std::string(255, 'n'), "id", "/"));
    EXPECT_FALSE(container_path("/" + std::string(256, 'n'), "id", "/"));
    EXPECT_FALSE(container_path(std::string_view("/a\0b", 4), "id", "/"));
    std::string deep;
    while (deep.size() < 4095) deep += "/" + std::string(62, 'd');
    EXPECT_EQ(deep.size(), 4095u);
    EXPECT_TRUE(container_path(deep, "id", "/"));
    EXPECT_FALSE(container_path(deep + "d", "id", "/"));
    EXPECT_FALSE(container_path(deep.substr(1), "id", "/long/own"));
}

TEST(ContainerPath, CannotBeRelativeToAPlaceOutsideOfTheCgroupNamespace) {
    const auto path = container_path("a", "id", "/../../elsewhere/own");
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().text.find("/../../elsewhere/own"), std::string::npos);
}

TEST(ContainerPath, EscapesTheValueInErrors) {
    EXPECT_EQ(container_path("/a\x1b[2J/..", "id", "/").error().text,
              "/linux/cgroupsPath: \"/a\\x1b[2J/..\": must not contain \"..\"");
}

TEST(OwnPath, IsTheLineOfHierarchyZero) {
    EXPECT_EQ(own_path("0::/user.slice\n"), "/user.slice");
    EXPECT_EQ(own_path("9:name=systemd:/s\n4:memory:/m\n0::/a:b/c\n"), "/a:b/c");
    EXPECT_EQ(own_path("10::/not\n4:memory:/m\n"), "");
    EXPECT_EQ(own_path(""), "");
}

TEST(BelowMount, TakesOnlyWhatContainerPathMakes) {
    EXPECT_EQ(below_mount("/a/b").value(), "a/b");
    for (const std::string_view path : {"", "/", "a", "/a/", "//a", "/a/../b", "/./a"})
        EXPECT_FALSE(below_mount(path)) << path;
}

}  // namespace
}  // namespace bulkhead::cgroups
