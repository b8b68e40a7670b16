// SPDX-License-Identifier: Apache-2.0
// A device of the host that is bound has to be the one that the config names.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/meeting.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

Result<Fd> cloned(const std::string& path, const plan::DeviceIdentity& device) {
    test::Meeting meeting;
    meeting.context.host.slots.resize(1);
    TRY(meeting.apply(plan::CloneTree{.path = path, .slot = {0}, .device = device}));
    return std::move(meeting.context.host.slots[0]);
}

TEST(CloneTreeOfADevice, TakesTheRightOne) {
    NEEDS_ROOT();
    const Folder folder;
    ASSERT_EQ(::mknod((folder / "x").c_str(), S_IFCHR | 0600, makedev(1, 259)), 0);
    ASSERT_EQ(::symlink("x", (folder / "link").c_str()), 0);
    for (const char* name : {"x", "link"}) EXPECT_TRUE(cloned(folder / name, {S_IFCHR, 1, 259})) << name;
}

TEST(CloneTreeOfADevice, RefusesAnyOther) {
    NEEDS_ROOT();
    const Folder folder;
    const std::string node = folder / "x";
    ASSERT_EQ(::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
    test::write_text(folder / "file", "");
    EXPECT_EQ(cloned(node, {S_IFCHR, 1, 5}).error().text, "\"" + node + "\": is not the device c 1:5");
    EXPECT_EQ(cloned(node, {S_IFBLK, 1, 3}).error().text, "\"" + node + "\": is not the device b 1:3");
    EXPECT_FALSE(cloned(folder / "file", {S_IFCHR, 0, 0}));  // a file has the numbers 0:0
    EXPECT_FALSE(cloned(folder / "missing", {S_IFCHR, 1, 3}));
}

}  // namespace
}  // namespace bulkhead::runtime
