// SPDX-License-Identifier: Apache-2.0
#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/record/identity.hpp"
#include "support/child.hpp"

namespace bulkhead::runtime {
namespace {

TEST(OwnCgroup, IsKnownByPathAndInode) {
    NEEDS_ROOT();
    const auto facts = probe();
    if (!facts) GTEST_SKIP() << facts.error().text;
    const std::string path = cat("/bulkhead-own-cgroup-test-", ::getpid());
    const Fd hierarchy = std::move(*cgroups::open_hierarchy(facts->cgroup_mount));
    const auto made = cgroups::make(hierarchy.number(), path);
    if (!made) GTEST_SKIP() << made.error().text;
    State state{.cgroup_mount = facts->cgroup_mount, .cgroup_path = path, .cgroup_inode = made->inode};

    EXPECT_TRUE(open_own_cgroup(state).value());
    state.cgroup_inode = made->inode + 1;
    EXPECT_FALSE(open_own_cgroup(state).value()) << "another's, at the same path";
    state.cgroup_inode = 0;
    EXPECT_FALSE(open_own_cgroup(state).value()) << "not known";
    ASSERT_TRUE(cgroups::remove(hierarchy.number(), path, 1000, made->inode));
    state.cgroup_inode = made->inode;
    EXPECT_FALSE(open_own_cgroup(state).value()) << "gone";
    state.cgroup_mount = "/missing";
    EXPECT_FALSE(open_own_cgroup(state));
}

}  // namespace
}  // namespace bulkhead::runtime
