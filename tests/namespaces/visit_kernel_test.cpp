// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "base/sys.hpp"
#include "namespaces/visit.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::namespaces {
namespace {

ino_t current(std::uint64_t type) { return sys::status_of(open_own(type)->number())->st_ino; }

TEST(OpenOwn, KnowsEveryType) {
    for (const std::uint64_t type : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                     CLONE_NEWPID, CLONE_NEWNET})
        EXPECT_EQ(*sys::namespace_type(open_own(type)->number()), type);
    EXPECT_FALSE(open_own(0));
}

TEST(Visit, EntersAllAndComesBack) {
    NEEDS_ROOT();
    test::in_child([] {
        const Fd net = *open_own(CLONE_NEWNET), uts = *open_own(CLONE_NEWUTS);
        const ino_t old_net = current(CLONE_NEWNET);
        ASSERT_EQ(::unshare(CLONE_NEWNET | CLONE_NEWUTS), 0);
        const ino_t own = current(CLONE_NEWNET);
        auto visit = Visit::enter({{net.number(), CLONE_NEWNET}, {uts.number(), CLONE_NEWUTS}});
        ASSERT_TRUE(visit) << visit.error().text;
        EXPECT_EQ(current(CLONE_NEWNET), old_net);
        ASSERT_TRUE(visit->leave());
        EXPECT_EQ(current(CLONE_NEWNET), own);
    });
}

TEST(Visit, ThatFailsHalfwayHasEnteredNothing) {
    NEEDS_ROOT();
    test::in_child([] {
        const Fd net = *open_own(CLONE_NEWNET), uts = *open_own(CLONE_NEWUTS);
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        const ino_t own = current(CLONE_NEWNET);
        EXPECT_FALSE(Visit::enter({{net.number(), CLONE_NEWNET}, {uts.number(), CLONE_NEWIPC}}));
        EXPECT_EQ(current(CLONE_NEWNET), own);
    });
}

TEST(Visit, KeepsTheWorkingDirectoryAcrossMountNamespaces) {
    NEEDS_ROOT();
    test::in_child([] {
        const Fd mounts = *open_own(CLONE_NEWNS);
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(::chdir("/tmp"), 0);
        auto visit = Visit::enter({{mounts.number(), CLONE_NEWNS}});
        ASSERT_TRUE(visit);
        ASSERT_TRUE(visit->leave());
        char path[64];
        EXPECT_STREQ(::getcwd(path, sizeof path), "/tmp");
    });
}

ino_t root_inode() { return sys::status_of(sys::open("/", O_PATH)->number())->st_ino; }

// What a mount namespace takes along and setns(2) does not give back.
TEST(Visit, OfThreeNamespacesComesBackToTheSameRoot) {
    NEEDS_ROOT();
    const test::Folder folder;
    const Fd mounts = *open_own(CLONE_NEWNS), net = *open_own(CLONE_NEWNET), uts = *open_own(CLONE_NEWUTS);
    const ino_t host = root_inode();
    test::in_namespaces(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS, [&] {
        ASSERT_EQ(::mkdir((folder / "proc").c_str(), 0755), 0);
        ASSERT_EQ(::mount("proc", (folder / "proc").c_str(), "proc", 0, nullptr), 0);
        ASSERT_TRUE(sys::change_root(sys::open(folder.path(), O_PATH)->number()));
        const ino_t own = root_inode();
        ASSERT_NE(own, host);
        {
            auto visit = Visit::enter(
                {{uts.number(), CLONE_NEWUTS}, {net.number(), CLONE_NEWNET}, {mounts.number(), CLONE_NEWNS}});
            ASSERT_TRUE(visit) << visit.error().text;
            EXPECT_EQ(root_inode(), host);
        }  // leaves without a word
        EXPECT_EQ(root_inode(), own);
    });
}

TEST(Visit, ThatFailsBehindAMountNamespaceIsBackInItsDirectory) {
    NEEDS_ROOT();
    test::in_child([] {
        const Fd mounts = *open_own(CLONE_NEWNS);
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        const ino_t own = current(CLONE_NEWNS);
        ASSERT_EQ(::chdir("/tmp"), 0);
        EXPECT_FALSE(Visit::enter({{mounts.number(), CLONE_NEWNS}, {mounts.number(), CLONE_NEWUTS}}));
        EXPECT_EQ(current(CLONE_NEWNS), own);
        char path[64];
        EXPECT_STREQ(::getcwd(path, sizeof path), "/tmp");
    });
}

TEST(Visit, OfNothingNeedsNothing) {
    auto visit = Visit::enter({});
    ASSERT_TRUE(visit);
    EXPECT_TRUE(visit->leave());
}

}  // namespace
}  // namespace bulkhead::namespaces
