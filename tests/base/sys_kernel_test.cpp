// SPDX-License-Identifier: Apache-2.0
#include <linux/mount.h>
#include <sys/mount.h>

#include <cerrno>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/kernel_release.hpp"

namespace bulkhead {
namespace {

TEST(ClonedTree, IsDetachedAndCanBeMadeReadOnly) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const test::Folder folder;
    test::write_text(folder / "a", "text");
    const auto tree = sys::clone_tree(folder.fd(), "", true);
    ASSERT_TRUE(tree);
    EXPECT_TRUE(test::closes_on_exec(tree->number()));
    ASSERT_TRUE(sys::set_mount_attributes(tree->number(), true, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE));
    EXPECT_EQ(sys::open_at(tree->number(), "a", O_WRONLY).error().err, EROFS);
    EXPECT_TRUE(sys::open_at(folder.fd(), "a", O_WRONLY)) << "the original stays writable";
    ASSERT_TRUE(sys::set_mount_attributes(tree->number(), false, 0, MOUNT_ATTR_RDONLY, 0));
    EXPECT_TRUE(sys::open_at(tree->number(), "a", O_WRONLY));
}

TEST(ClonedTree, OfOneFile) {
    NEEDS_ROOT();
    const test::Folder folder;
    test::write_text(folder / "a", "text");
    const auto tree = sys::clone_tree(folder.fd(), "a", false);
    ASSERT_TRUE(tree);
    EXPECT_TRUE(S_ISREG(sys::status_of(tree->number())->st_mode));
    EXPECT_EQ(sys::clone_tree(folder.fd(), "b", false).error().text,
              "open_tree b: no such file or directory");
    EXPECT_EQ(sys::clone_tree(-1, "", false).error().err, EBADF);
}

TEST(MountAttributes, AreRefusedForWhatIsNoMount) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const test::Folder folder;
    EXPECT_EQ(sys::set_mount_attributes(folder.fd(), false, MOUNT_ATTR_RDONLY, 0, 0).error().text,
              "mount_setattr: invalid argument");
}

}  // namespace
}  // namespace bulkhead
