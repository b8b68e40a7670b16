// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdio>

#include "base/files.hpp"
#include "cgroups/group/helper.hpp"
#include "cgroups/group/mount.hpp"
#include "kernel_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

// In a mount namespace of its own, with a tmpfs over /sys/fs/cgroup.
template <class Act>
int without_the_usual_mounts(Act act) {
    return testing::in_child([&] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr) != 0)
            return 77;
        return act();
    });
}

int is(const Result<Hierarchy>& found, const std::string& mount, bool hybrid) {
    if (found && found->mount == mount && found->hybrid == hybrid) return 0;
    std::fprintf(stderr, "found: %s\n", found ? found->mount.c_str() : found.error().text.c_str());
    return 1;
}

class Mount : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    }
};

TEST_F(Mount, IsFoundOnThisHost) {
    const auto found = find_hierarchy(nullptr);
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(found->hybrid, found->mount == "/sys/fs/cgroup/unified");
    EXPECT_TRUE(open_hierarchy(found->mount));
    EXPECT_FALSE(open_hierarchy("/tmp"));
}

TEST_F(Mount, OfAPureHost) {
    EXPECT_EQ(without_the_usual_mounts([] {
                  if (::mount("none", "/sys/fs/cgroup", "cgroup2", 0, nullptr) != 0) return 77;
                  return is(find_hierarchy(nullptr), "/sys/fs/cgroup", false);
              }),
              0);
}

// Those below the tmpfs are still in mountinfo, and before this one: the helper must not believe them.
TEST_F(Mount, ElsewhereIsFoundByTheHelper) {
    EXPECT_EQ(without_the_usual_mounts([] {
                  if (::mount("none", "/mnt", "tmpfs", 0, nullptr) != 0 || ::mkdir("/mnt/c g", 0755) != 0 ||
                      ::mount("none", "/mnt/c g", "cgroup2", 0, nullptr) != 0)
                      return 77;
                  return is(find_hierarchy(testing::built_helper), "/mnt/c g", true);
              }),
              0);
}

TEST_F(Mount, NowhereIsAnErrorThatSaysWhatIsThere) {
    EXPECT_EQ(
        without_the_usual_mounts([] {
            const auto found = find_hierarchy(testing::built_helper);
            const std::string expected =
                "cgroup v2 is needed, and no cgroup2 file system is mounted: /sys/fs/cgroup has file system "
                "type 0x1021994; " BULKHEAD_HELPER_PATH
                " cgroup2-mount: no cgroup2 mount in /proc/self/mountinfo";
            if (!found && found.error().kind == Kind::unsupported && found.error().text == expected) return 0;
            return is(found, "", false);
        }),
        0);
}

}  // namespace
}  // namespace bulkhead::cgroups
