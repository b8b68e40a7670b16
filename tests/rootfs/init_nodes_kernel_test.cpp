// SPDX-License-Identifier: Apache-2.0
#include <sys/sysmacros.h>

#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::succeeded;
using test::World;

plan::Outcome mask(World& world, const std::string& path) {
    return apply(world.stage.context, plan::MaskPath{world.stage.text(path), world.stage.text("dev/null")});
}
plan::Outcome protect(World& world, const std::string& path) {
    return apply(world.stage.context, plan::ProtectPath{world.stage.text(path)});
}
plan::Outcome make_device(World& world, const std::string& path, unsigned major, unsigned minor,
                          unsigned owner = 0) {
    return apply(world.stage.context,
                 plan::MakeDevice{world.stage.text(path), S_IFCHR | 0640, major, minor, owner, owner});
}
plan::Outcome make_link(World& world, const std::string& path, const std::string& to) {
    return apply(world.stage.context,
                 plan::MakeLink{world.stage.text(path), world.stage.text(to), world.stage.text(to)});
}

void make_null(World& world) {
    world.make_directory("dev");
    EXPECT_EQ(::mknod((world / "dev/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
}

bool is_null_device(const std::string& path) {
    const struct stat status = test::status_of_path(path);
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// --- MaskPath

TEST(MaskPath, HidesDirectoriesUnderOneEmptyOne) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"one", "two", "three"}) {
            world.make_directory(name);
            test::write_text(world / (std::string(name) + "/secret"), "x");
            ASSERT_TRUE(succeeded(mask(world, std::string("/") + name)));
            EXPECT_TRUE(std::filesystem::is_empty(world / name));
            EXPECT_EQ(test::mount_at(world / name).attributes, "ro,nosuid,nodev,noexec,relatime");
            EXPECT_EQ(::mkdir((world / (std::string(name) + "/x")).c_str(), 0755), -1);
            EXPECT_EQ(errno, EROFS);
        }
        EXPECT_EQ(test::status_of_path(world / "one").st_dev, test::status_of_path(world / "three").st_dev);
    });
}

TEST(MaskPath, HidesFilesUnderTheNullDevice) {
    NEEDS_ROOT();
    in_world([](World& world) {
        make_null(world);
        for (const char* name : {"one", "two", "three"}) {
            test::write_text(world / name, "secret");
            ASSERT_TRUE(succeeded(mask(world, name)));
            EXPECT_TRUE(is_null_device(world / name)) << name;
            EXPECT_EQ(test::text_of(world / name), "");
        }
    });
}

TEST(MaskPath, FollowsALinkOfTheImageAndLeavesMissingOnesAlone) {
    NEEDS_ROOT();
    in_world([](World& world) {
        make_null(world);
        test::write_text(world / "real", "secret");
        world.make_link("link", "/real");
        world.make_link("dangling", "/nowhere");
        ASSERT_TRUE(succeeded(mask(world, "/link")));
        EXPECT_TRUE(is_null_device(world / "real"));
        const std::size_t before = test::mount_table().size();
        for (const char* path : {"/missing", "/missing/deeper", "/real/below-a-file", "/dangling"})
            EXPECT_TRUE(succeeded(mask(world, path))) << path;
        EXPECT_EQ(test::mount_table().size(), before);
    });
}

// CVE-2025-31133: what an image calls /dev/null may be anything.
TEST(MaskPath, TakesNothingForNullThatIsNot) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        test::write_text(world / "secret", "secret");
        EXPECT_TRUE(fails(mask(world, "secret"), ENOENT, plan::Call::openat2));
        const std::string null = world / "dev/null";
        test::write_text(null, "");
        EXPECT_TRUE(fails(mask(world, "secret"), ENODEV, plan::Call::check)) << "a file";
        ASSERT_EQ(::unlink(null.c_str()), 0);
        ASSERT_EQ(::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
        EXPECT_TRUE(fails(mask(world, "secret"), ENODEV, plan::Call::check)) << "another device";
        ASSERT_EQ(::unlink(null.c_str()), 0);
        world.make_link("dev/null", "/secret");
        EXPECT_TRUE(fails(mask(world, "secret"), ENODEV, plan::Call::check)) << "a link to a file";
        EXPECT_LT(world.stage.context.null, 0);
        EXPECT_EQ(test::text_of(world / "secret"), "secret");
    });
}

TEST(MaskPath, AMagicLinkIsAnError) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("proc");
        ASSERT_EQ(::mount("proc", (world / "proc").c_str(), "proc", 0, nullptr), 0);
        EXPECT_TRUE(fails(mask(world, "/proc/self/exe"), ELOOP, plan::Call::openat2));
    });
}

// --- ProtectPath

TEST(ProtectPath, ReachesWhatIsMountedBelow) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        world.make_directory("d/sub");
        ASSERT_EQ(::mount("tmpfs", (world / "d/sub").c_str(), "tmpfs", 0, nullptr), 0);
        ASSERT_TRUE(succeeded(protect(world, "/d")));
        for (const char* path : {"d/x", "d/sub/x"}) {
            EXPECT_EQ(::mkdir((world / path).c_str(), 0755), -1) << path;
            EXPECT_EQ(errno, EROFS);
        }
        EXPECT_EQ(::mkdir((world / "beside").c_str(), 0755), 0);
    });
}

TEST(ProtectPath, OfAFileAndOfNothing) {
    NEEDS_ROOT();
    in_world([](World& world) {
        test::write_text(world / "f", "text");
        ASSERT_TRUE(succeeded(protect(world, "f")));
        EXPECT_EQ(::open((world / "f").c_str(), O_WRONLY), -1);
        EXPECT_EQ(test::text_of(world / "f"), "text");
        for (const char* path : {"/missing", "/f/x"}) EXPECT_TRUE(succeeded(protect(world, path))) << path;
    });
}

// --- MakeDevice

TEST(MakeDevice, MakesTheNodeForItsOwner) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        ASSERT_TRUE(succeeded(make_device(world, "dev/null", 1, 3)));
        ASSERT_TRUE(succeeded(make_device(world, "dev/large", 4095, 1048575, 1234)));
        EXPECT_TRUE(is_null_device(world / "dev/null"));
        const struct stat large = test::status_of_path(world / "dev/large");
        EXPECT_EQ(large.st_rdev, makedev(4095, 1048575));
        EXPECT_EQ(large.st_mode, S_IFCHR | 0640u);
        EXPECT_EQ(large.st_uid, 1234u);
        EXPECT_EQ(large.st_gid, 1234u);
    });
}

TEST(MakeDevice, TakesTheSameOneForMadeAndRefusesAnother) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        ASSERT_TRUE(succeeded(make_device(world, "dev/x", 1, 3)));
        EXPECT_TRUE(succeeded(make_device(world, "dev/x", 1, 3)));
        EXPECT_TRUE(fails(make_device(world, "dev/x", 1, 5), EEXIST, plan::Call::mknodat));
        test::write_text(world / "dev/file", "");
        EXPECT_TRUE(fails(make_device(world, "dev/file", 1, 3), EEXIST, plan::Call::mknodat));
        world.make_link("dev/link", "x");  // even a link to the right one
        EXPECT_TRUE(fails(make_device(world, "dev/link", 1, 3), EEXIST, plan::Call::mknodat));
        EXPECT_TRUE(fails(make_device(world, "none/x", 1, 3), ENOENT, plan::Call::openat2));
    });
}

TEST(MakeDevice, IsGivenAwayWhateverTheDirectorySays) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev", 02775);
        ASSERT_EQ(::chown((world / "dev").c_str(), 0, 77), 0);
        ASSERT_TRUE(succeeded(make_device(world, "dev/x", 1, 3)));
        EXPECT_EQ(test::status_of_path(world / "dev/x").st_gid, 0u);
    });
}

TEST(MakeDevice, MakesNamedPipesAndBlockDevices) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const auto make = [&](const char* name, std::uint32_t mode, std::uint32_t minor) {
            return apply(world.stage.context,
                         plan::MakeDevice{world.stage.text(name), mode, minor == 0 ? 0u : 7u, minor, 0, 0});
        };
        EXPECT_TRUE(succeeded(make("pipe", S_IFIFO | 0600, 0)));
        EXPECT_TRUE(succeeded(make("pipe", S_IFIFO | 0600, 0)));
        EXPECT_TRUE(succeeded(make("disk", S_IFBLK | 0600, 1)));
        EXPECT_TRUE(fails(make("disk", S_IFCHR | 0600, 1), EEXIST, plan::Call::mknodat));
        EXPECT_TRUE(fails(make("disk", S_IFIFO | 0600, 0), EEXIST, plan::Call::mknodat));
        EXPECT_EQ(test::status_of_path(world / "pipe").st_mode, S_IFIFO | 0600u);
        EXPECT_EQ(test::status_of_path(world / "disk").st_mode, S_IFBLK | 0600u);
    });
}

// --- MakeLink

TEST(MakeLink, LeadsToWhatIsThere) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        test::write_text(world / "target", "");
        EXPECT_TRUE(succeeded(make_link(world, "dev/there", "/target")));
        EXPECT_TRUE(succeeded(make_link(world, "dev/missing", "/proc/kcore")));
        EXPECT_TRUE(succeeded(make_link(world, "dev/ptmx", "pts/ptmx")));
        EXPECT_EQ(std::filesystem::read_symlink(world / "dev/there"), "/target");
        EXPECT_FALSE(test::is_there(world / "dev/missing"));
        EXPECT_EQ(std::filesystem::read_symlink(world / "dev/ptmx"), "pts/ptmx");
    });
}

TEST(MakeLink, LeavesTheImagesOwnAlone) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        world.make_link("dev/ptmx", "own");
        EXPECT_TRUE(succeeded(make_link(world, "dev/ptmx", "pts/ptmx")));
        EXPECT_EQ(std::filesystem::read_symlink(world / "dev/ptmx"), "own");
        EXPECT_TRUE(fails(make_link(world, "none/x", "y"), ENOENT, plan::Call::openat2));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
