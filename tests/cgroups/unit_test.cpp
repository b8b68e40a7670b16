// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/unit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bulkhead::cgroups {
namespace {

struct Case {
    std::string_view cgroups_path;
    std::string_view name;
    std::string_view slice;
    std::string_view cgroup;
};

TEST(UnitOf, FollowsTheRulesOfTheSystemdDriver) {
    for (const Case& c : {
             Case{"", "bulkhead-box.scope", "system.slice", "/system.slice/bulkhead-box.scope"},
             {"system.slice:docker:4f5e", "docker-4f5e.scope", "system.slice",
              "/system.slice/docker-4f5e.scope"},
             {":docker:4f5e", "docker-4f5e.scope", "system.slice", "/system.slice/docker-4f5e.scope"},
             {"machine.slice::4f5e", "4f5e.scope", "machine.slice", "/machine.slice/4f5e.scope"},
             {"-:p:n", "p-n.scope", "-.slice", "/p-n.scope"},
             {"-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope"},
             {"kubepods-besteffort-pod1_2.slice:cri-containerd:ab", "cri-containerd-ab.scope",
              "kubepods-besteffort-pod1_2.slice",
              "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/"
              "cri-containerd-ab.scope"},
             {"a.slice:p:n.scope", "p-n.scope.scope", "a.slice", "/a.slice/p-n.scope.scope"},
             {"a.slice:p:a-b.slice", "a-b.slice", "a.slice", "/a.slice/a-b.slice"},
             {"::b.slice", "b.slice", "-.slice", "/b.slice"},
             {"-::b.slice", "b.slice", "-.slice", "/b.slice"},
             {":p:a\\x2bb@1", "p-a\\x2bb@1.scope", "system.slice", "/system.slice/p-a\\x2bb@1.scope"},
         }) {
        const auto unit = unit_of(c.cgroups_path, "box", false);
        ASSERT_TRUE(unit) << c.cgroups_path << ": " << unit.error().text;
        EXPECT_EQ(unit->name, c.name) << c.cgroups_path;
        EXPECT_EQ(unit->slice, c.slice) << c.cgroups_path;
        EXPECT_EQ(cgroup_of(*unit, "/"), c.cgroup) << c.cgroups_path;
    }
}

TEST(UnitOf, OfAUserIsInUserSlice) {
    const std::string manager = "/user.slice/user-7.slice/user@7.service";
    EXPECT_EQ(cgroup_of(unit_of("", "box", true).value(), manager),
              manager + "/user.slice/bulkhead-box.scope");
    EXPECT_EQ(cgroup_of(unit_of("a-b.slice:p:n", "box", true).value(), manager),
              manager + "/a.slice/a-b.slice/p-n.scope");
    EXPECT_EQ(cgroup_of(unit_of(":p:n", "box", true).value(), ""), "/user.slice/p-n.scope");
}

TEST(UnitOf, EscapesWhatAnIdMayHaveAndAUnitNot) {
    EXPECT_EQ(unit_of("", "a+b", false)->name, "bulkhead-a\\x2bb.scope");
    EXPECT_EQ(unit_of("", "A-b_c.9", false)->name, "bulkhead-A-b_c.9.scope");
    EXPECT_EQ(unit_escaped("a\\b/c d\xff"), "a\\x5cb\\x2fc\\x20d\\xff");
}

TEST(UnitOf, RefusesWithThePropertyTheValueAndTheReason) {
    struct Refusal {
        std::string_view cgroups_path;
        std::string_view reason;
    };
    for (const Refusal& r : {
             Refusal{"/a/b",
                     "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got "
                     "\"/a/b\" instead"},
             {"a.slice:b", "expected cgroupsPath to be of format"},
             {"a.slice:b:c:d", "expected cgroupsPath to be of format"},
             {"a.slice:b:", "the name is empty"},
             {"a:b:c", "invalid slice name: \"a\""},
             {".slice:b:c", "invalid slice name: \".slice\""},
             {"a.scope:b:c", "invalid slice name: \"a.scope\""},
             {"a--b.slice:b:c", "invalid slice name: \"a--b.slice\""},
             {"-a.slice:b:c", "invalid slice name: \"-a.slice\""},
             {"a-.slice:b:c", "invalid slice name: \"a-.slice\""},
             {"a/b.slice:b:c", "\"a/b.slice\" is no name of a unit"},
             {"a.slice:b:c/d", "\"b-c/d.scope\" is no name of a unit"},
             {"a.slice:b:c d", "\"b-c d.scope\" is no name of a unit"},
             {"a.slice:b:c\n", "is no name of a unit"},
             {"a.slice:@b:c", "is no name of a unit"},
             {"a.slice:b:c+d", "is no name of a unit"},
             {"a.slice::gr\xc3\xbcn", "is no name of a unit"},
             {"a.slice:b:-.slice", "names the root of the hierarchy"},
             {"a.slice:b:.slice", "invalid slice name: \".slice\""},
             {"a.slice:b:c.slice", "c.slice is not in a.slice: by its name it is in -.slice"},
         }) {
        const auto unit = unit_of(r.cgroups_path, "box", false);
        ASSERT_FALSE(unit) << r.cgroups_path << " is " << unit->name;
        EXPECT_EQ(unit.error().kind, Kind::invalid_config);
        EXPECT_TRUE(unit.error().text.starts_with("config.json: /linux/cgroupsPath: \""))
            << unit.error().text;
        EXPECT_NE(unit.error().text.find(r.reason), std::string::npos) << unit.error().text;
    }
}

TEST(UnitOf, HasALimitedName) {
    const std::string fits(255 - std::string_view("p-.scope").size(), 'x');
    EXPECT_EQ(unit_of(":p:" + fits, "box", false)->name.size(), 255u);
    EXPECT_FALSE(unit_of(":p:x" + fits, "box", false));
    EXPECT_EQ(unit_of("", std::string(255, 'x'), false).error().kind, Kind::usage);
}

// As systemd does, so that a unit cannot be taken for a file of its parent's cgroup.
TEST(CgroupOf, EscapesWhatLooksLikeAFile) {
    for (const auto& [name, directory] : {std::pair{"memory", "_memory.scope"},
                                          {"cgroup", "_cgroup.scope"},
                                          {"cpuset", "_cpuset.scope"},
                                          {"_x", "__x.scope"},
                                          {".x", "_.x.scope"},
                                          {"memoryx", "memoryx.scope"},
                                          {"x.memory", "x.memory.scope"}})
        EXPECT_EQ(cgroup_of(unit_of(std::string("a.slice::") + name, "box", false).value(), "/"),
                  std::string("/a.slice/") + directory);
    EXPECT_EQ(cgroup_of(unit_of("io.slice::x", "box", false).value(), "/"), "/_io.slice/x.scope");
}

}  // namespace
}  // namespace bulkhead::cgroups
