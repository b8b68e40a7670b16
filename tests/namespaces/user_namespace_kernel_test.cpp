// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sched.h>

#include "base/sys.hpp"
#include "namespaces/user_namespace.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/kernel_release.hpp"

namespace bulkhead::namespaces {
namespace {

const plan::IdMaps maps{"0 1000 10\n", "0 2000 10\n"};

Result<Fd> clone_of(const test::Folder& folder) { return sys::clone_tree(folder.fd(), "", true); }

TEST(MakeUserNamespace, LeavesNobodyInIt) {
    NEEDS_ROOT();
    const auto file = make_user_namespace(maps.uids, maps.gids);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(*sys::namespace_type(file->number()), CLONE_NEWUSER);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "there is a child";
}

TEST(MakeUserNamespace, FailsWithMapsThatTheKernelRefuses) {
    NEEDS_ROOT();
    EXPECT_EQ(make_user_namespace("0 0 0\n", maps.gids).error().err, EINVAL);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "there is a child";
}

TEST(UserNamespaces, AreMadeOncePerMaps) {
    NEEDS_ROOT();
    UserNamespaces made;
    const int first = *made.with(maps);
    EXPECT_EQ(*made.with({maps.uids, maps.gids, true}), first)
        << "how deep it reaches is the mount's business";
    EXPECT_NE(*made.with({maps.gids, maps.gids}), first);
    EXPECT_EQ(*made.with(maps), first);
}

TEST(MapIds, ShowsOwnersThroughTheMaps) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const test::Folder folder;
    test::write_text(folder / "f", "text");
    const auto tree = clone_of(folder);
    ASSERT_TRUE(tree);
    UserNamespaces made;
    const auto mapped = map_ids(tree->number(), maps, made);
    ASSERT_TRUE(mapped) << mapped.error().text;
    EXPECT_EQ(sys::status_at(tree->number(), "f")->st_uid, 1000u);
    EXPECT_EQ(sys::status_at(tree->number(), "f")->st_gid, 2000u);
    EXPECT_EQ(sys::status_at(folder.fd(), "f")->st_uid, 0u) << "the host's own stays as it is";
}

TEST(MapIds, RefusesWhatIsMappedAlready) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const test::Folder folder;
    const auto tree = clone_of(folder);
    UserNamespaces made;
    ASSERT_TRUE(map_ids(tree->number(), maps, made));
    const auto again = map_ids(tree->number(), maps, made);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, Kind::denied);
}

TEST(MapIds, SaysWhereAFileSystemCannot) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    test::in_namespaces(CLONE_NEWNS, [] {
        const auto proc = sys::open("/proc", O_PATH | O_DIRECTORY);
        const auto tree = sys::clone_tree(proc->number(), "", false);
        ASSERT_TRUE(tree);
        UserNamespaces made;
        const auto mapped = map_ids(tree->number(), maps, made);
        ASSERT_FALSE(mapped);
        EXPECT_EQ(mapped.error().kind, Kind::unsupported);
        EXPECT_NE(mapped.error().text.find("the file system does not support it"), std::string::npos);
    });
}

}  // namespace
}  // namespace bulkhead::namespaces
