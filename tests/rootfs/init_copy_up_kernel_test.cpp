// SPDX-License-Identifier: Apache-2.0
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/copy_up_limits.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::mount_at;
using test::status_of_path;
using test::succeeded;
using test::World;

plan::Outcome cover(World& world, const std::vector<std::string>& options = {}, std::uint32_t attributes = 0,
                    bool sized = false) {
    return apply(world.stage.context, plan::MountFilesystem{.type = world.stage.text("tmpfs"),
                                                            .source = world.stage.text("tmpfs"),
                                                            .target = world.stage.text("d"),
                                                            .options = world.stage.texts(options),
                                                            .propagation = {},
                                                            .attributes = attributes,
                                                            .plain_target_only = 0,
                                                            .inherit_mode = 1,
                                                            .copy_up = 1,
                                                            .sized = sized});
}

void give(const std::string& path, mode_t mode, uid_t uid, gid_t gid) {
    ASSERT_EQ(::lchown(path.c_str(), uid, gid), 0) << path;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
}

std::string owner(const std::string& path) {
    const struct stat status = status_of_path(path);
    return cat(status.st_uid, ':', status.st_gid);
}
mode_t mode(const std::string& path) { return status_of_path(path).st_mode; }

TEST(CopyUp, TakesDirectoriesFilesAndLinksWithModeAndOwner) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"d", "d/sub", "d/sub/deep", "d/empty"}) world.make_directory(name);
        test::write_text(world / "d/file", "some text");
        test::write_text(world / "d/sub/deep/big", std::string(300'000, 'x'));
        world.make_link("d/link", "/etc/passwd");
        give(world / "d", 0751, 5, 6);
        give(world / "d/file", 0640, 1000, 1001);
        give(world / "d/sub", 01777, 7, 8);
        ASSERT_EQ(::lchown((world / "d/link").c_str(), 9, 10), 0);
        const std::size_t before = test::open_descriptors();

        ASSERT_TRUE(succeeded(cover(world)));

        EXPECT_EQ(mount_at(world / "d").type, "tmpfs");
        EXPECT_EQ(test::text_of(world / "d/file"), "some text");
        EXPECT_EQ(test::text_of(world / "d/sub/deep/big"), std::string(300'000, 'x'));
        EXPECT_EQ(std::filesystem::read_symlink(world / "d/link"), "/etc/passwd");
        EXPECT_EQ(mode(world / "d"), S_IFDIR | 0751u);
        EXPECT_EQ(mode(world / "d/file"), S_IFREG | 0640u);
        EXPECT_EQ(mode(world / "d/sub"), S_IFDIR | 01777u);
        EXPECT_EQ(owner(world / "d"), "5:6");
        EXPECT_EQ(owner(world / "d/file"), "1000:1001");
        EXPECT_EQ(owner(world / "d/sub"), "7:8");
        EXPECT_EQ(owner(world / "d/link"), "9:10");
        EXPECT_TRUE(test::is_there(world / "d/empty"));
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(CopyUp, LeavesDangerousThingsOut) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        ASSERT_EQ(::mknod((world / "d/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
        ASSERT_EQ(::mkfifo((world / "d/fifo").c_str(), 0600), 0);
        ASSERT_EQ(::mknod((world / "d/socket").c_str(), S_IFSOCK | 0600, 0), 0);
        test::write_text(world / "d/su", "x");
        give(world / "d/su", 06755, 0, 0);
        ASSERT_TRUE(succeeded(cover(world)));
        for (const char* name : {"d/null", "d/fifo", "d/socket"})
            EXPECT_FALSE(test::is_there(world / name)) << name;
        EXPECT_EQ(mode(world / "d/su"), S_IFREG | 0755u);
    });
}

TEST(CopyUp, EntersNoMount) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"d", "d/mounted", "d/plain"}) world.make_directory(name);
        ASSERT_EQ(::mount("tmpfs", (world / "d/mounted").c_str(), "tmpfs", 0, nullptr), 0);
        test::write_text(world / "d/mounted/secret", "x");
        test::write_text(world / "d/plain/file", "x");
        ASSERT_TRUE(succeeded(cover(world)));
        EXPECT_TRUE(std::filesystem::is_empty(world / "d/mounted"));
        EXPECT_TRUE(test::is_there(world / "d/plain/file"));
    });
}

TEST(CopyUp, OptionsOfTheConfigWin) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        test::write_text(world / "d/file", "x");
        give(world / "d", 0751, 5, 6);
        ASSERT_TRUE(succeeded(cover(world, {"mode=700", "uid=77"}, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)));
        EXPECT_EQ(mode(world / "d"), S_IFDIR | 0700u);
        EXPECT_EQ(owner(world / "d"), "77:6");
        EXPECT_EQ(mount_at(world / "d").attributes, "ro,nosuid,relatime") << "read-only, but filled";
        EXPECT_EQ(test::text_of(world / "d/file"), "x");
    });
}

TEST(CopyUp, ManyEntriesAndDirectoriesAmongThem) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        for (int i = 0; i < 400; ++i) {
            if (i % 7 == 0) world.make_directory(cat("d/directory-", i));
            const std::string place = i % 7 == 0 ? cat("directory-", i, "/file") : cat("file-", i);
            test::write_text(world / cat("d/", place), cat(i));
        }
        ASSERT_TRUE(succeeded(cover(world)));
        for (int i = 0; i < 400; ++i) {
            const std::string place = i % 7 == 0 ? cat("directory-", i, "/file") : cat("file-", i);
            EXPECT_EQ(test::text_of(world / cat("d/", place)), cat(i)) << place;
        }
    });
}

TEST(CopyUp, IsBoundedByTheSizeAndInDepth) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        test::write_text(world / "d/file", std::string(200'000, 'x'));
        EXPECT_TRUE(fails(cover(world, {"size=64k"}, 0, true), ENOSPC, plan::Call::sendfile));
        EXPECT_EQ(mount_at(world / "d").type, "");
        std::string deep = "d";
        for (int i = 0; i < 70; ++i) world.make_directory(deep += "/x");
        EXPECT_TRUE(fails(cover(world), EOVERFLOW, plan::Call::check));
        EXPECT_EQ(mount_at(world / "d").type, "");
    });
}

// A file of `size` bytes that takes none on its disk.
void make_sparse(const std::string& path, off_t size) {
    test::write_text(path, "");
    ASSERT_EQ(::truncate(path.c_str(), size), 0) << path;
}

TEST(CopyUp, HasALimitOfItsOwnWhereTheTmpfsHasNone) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        make_sparse(world / "d/huge", off_t{1} << 40);
        for (const bool sized : {false, true}) {
            EXPECT_TRUE(fails(cover(world, {"size=0"}, 0, sized), EFBIG, plan::Call::check)) << "no limit";
            EXPECT_EQ(mount_at(world / "d").type, "");
        }
        EXPECT_TRUE(fails(cover(world), EFBIG, plan::Call::check));
        EXPECT_TRUE(fails(cover(world, {"size=1m"}, 0, true), ENOSPC, plan::Call::sendfile)) << "its own";
        EXPECT_EQ(mount_at(world / "d").type, "");
    });
}

// Copies d into e, a directory of the same tmpfs.
plan::Outcome copy(World& world, std::uint64_t limit) {
    world.make_directory("e");
    const Fd from(::open((world / "d").c_str(), O_PATH | O_DIRECTORY));
    const Fd to(::open((world / "e").c_str(), O_PATH | O_DIRECTORY));
    const plan::Outcome copied = copy_up(from.number(), to.number(), limit);
    std::filesystem::remove_all(world / "e");
    return copied;
}

TEST(CopyUp, CountsPagesOfEachNameOfAFileAndOneForTheName) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        test::write_text(world / "d/0", std::string(copy_page + 1, 'x'));
        for (int i = 1; i < 4; ++i)
            ASSERT_EQ(::link((world / "d/0").c_str(), (world / cat("d/", i)).c_str()), 0);
        const std::size_t before = test::open_descriptors();
        EXPECT_TRUE(succeeded(copy(world, 12 * copy_page)));
        EXPECT_TRUE(fails(copy(world, 9 * copy_page), EFBIG, plan::Call::check)) << "the last name";
        EXPECT_TRUE(fails(copy(world, 10 * copy_page), EFBIG, plan::Call::check)) << "the last file";
        EXPECT_TRUE(succeeded(copy(world, 11 * copy_page + 1))) << "the last page is not whole";
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(CopyUp, CountsDirectoriesAndLinks) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"d", "d/a", "d/a/b"}) world.make_directory(name);
        world.make_link("d/a/link", "x");
        EXPECT_TRUE(succeeded(copy(world, 3 * copy_page)));
        EXPECT_TRUE(fails(copy(world, 3 * copy_page - 1), EFBIG, plan::Call::check));
    });
}

TEST(CopyUp, TakesNoExtendedAttribute) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        test::write_text(world / "d/file", "x");
        ASSERT_EQ(::setxattr((world / "d/file").c_str(), "trusted.mark", "v", 1, 0), 0);
        // VFS_CAP_REVISION_2 with all of the permitted set
        const unsigned char every[20] = {1, 0, 0,   2, 255, 255, 255, 255, 0, 0,
                                         0, 0, 255, 1, 0,   0,   0,   0,   0, 0};
        ASSERT_EQ(::setxattr((world / "d/file").c_str(), "security.capability", every, sizeof every, 0), 0);
        ASSERT_TRUE(succeeded(cover(world)));
        EXPECT_EQ(test::text_of(world / "d/file"), "x");
        for (const char* name : {"trusted.mark", "security.capability"})
            EXPECT_EQ(::getxattr((world / "d/file").c_str(), name, nullptr, 0), -1) << name;
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
