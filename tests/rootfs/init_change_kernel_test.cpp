// SPDX-License-Identifier: Apache-2.0
// What a mount gets on its way to its place, in both ways. Most is seen through the steps that use it; here
// is what mount(2) has to be made to do.
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::Folder;
using test::in_world;
using test::mount_at;
using test::succeeded;
using test::World;

void mount_tmpfs(const std::string& at, unsigned long flags = 0) {
    ASSERT_EQ(::mount("tmpfs", at.c_str(), "tmpfs", flags, nullptr), 0) << at << std::strerror(errno);
}
std::size_t mounts_over_root() {
    const auto table = test::mount_table();
    return static_cast<std::size_t>(std::ranges::count(table, "/", &test::MountLine::point));
}

// A clone of `source` at `target`, changed on the way.
plan::Outcome attach(World& world, const std::string& source, const std::string& target, Change change,
                     bool recursive = true) {
    const plan::Slot tree = world.clone_of(source, recursive);
    const Fd place(::open((world / target).c_str(), O_PATH | O_CLOEXEC));
    return attach_changed(world.stage.context, world.stage.context.fd(tree), place.number(), change);
}
plan::Outcome protect(World& world, const std::string& source, const std::string& target) {
    return attach(world, source, target, {.attributes = {.set_tree = MOUNT_ATTR_RDONLY}});
}

TEST(AttachChanged, ADirectoryAndAFileWithEveryAttribute) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "text");
    const std::pair<std::uint32_t, const char*> table[] = {
        {MOUNT_ATTR_RDONLY, "ro,relatime"},
        {MOUNT_ATTR_NOSUID, "rw,nosuid,relatime"},
        {MOUNT_ATTR_NODEV, "rw,nodev,relatime"},
        {MOUNT_ATTR_NOEXEC, "rw,noexec,relatime"},
        {MOUNT_ATTR_NODIRATIME, "rw,nodiratime,relatime"},
        {MOUNT_ATTR_NOSYMFOLLOW, "rw,relatime,nosymfollow"},
        {MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
         "ro,nosuid,nodev,noexec,relatime"},
    };
    in_world([&](World& world) {
        mount_tmpfs(source.path());
        test::write_text(source / "f", "text");
        world.make_directory("d");
        test::write_text(world / "f", "");
        const std::size_t descriptors = test::open_descriptors() + 2 * std::size(table),
                          before = mounts_over_root();
        for (const auto& [set, shown] : table) {
            const Change change{.attributes = {.set = set}};
            ASSERT_TRUE(succeeded(attach(world, source.path(), "d", change)));
            ASSERT_TRUE(succeeded(attach(world, source / "f", "f", change)));
            EXPECT_EQ(mount_at(world / "d").attributes, shown);
            EXPECT_EQ(mount_at(world / "f").attributes, shown);
        }
        EXPECT_EQ(test::text_of(world / "f"), "text");
        EXPECT_EQ(mount_at(source.path()).attributes, "rw,relatime") << "the source is as it was";
        EXPECT_EQ(mounts_over_root(), before) << "nothing stays over \"/\"";
        EXPECT_EQ(test::open_descriptors(), descriptors);
    });
}

TEST(AttachChanged, TheAccessTimeIsOneOfThree) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path(), MS_NOATIME | MS_NODIRATIME | MS_NOSUID);
        world.make_directory("d");
        const auto with = [&](plan::MountAttributes attributes) {
            EXPECT_TRUE(succeeded(attach(world, source.path(), "d", {.attributes = attributes})));
            return mount_at(world / "d").attributes;
        };
        EXPECT_EQ(with({.set = MOUNT_ATTR_RDONLY}), "ro,nosuid,noatime,nodiratime")
            << "what is not named stays";
        EXPECT_EQ(with({.set = MOUNT_ATTR_RELATIME, .clear = MOUNT_ATTR__ATIME}),
                  "rw,nosuid,nodiratime,relatime");
        EXPECT_EQ(with({.set = MOUNT_ATTR_STRICTATIME, .clear = MOUNT_ATTR__ATIME}), "rw,nosuid,nodiratime");
        EXPECT_EQ(with({.clear = MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSUID}), "rw,noatime");
    });
}

// The reason for the way over "/": peers copy a mount as it arrives.
TEST(AttachChanged, APeerOfTheTargetNeverSeesItOtherwise) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "text");
    in_world([&](World& world) {
        for (const char* name : {"shared", "peer"}) world.make_directory(name);
        mount_tmpfs(world / "shared");
        ASSERT_EQ(::mount("", (world / "shared").c_str(), nullptr, MS_SHARED, nullptr), 0);
        ASSERT_EQ(::mount((world / "shared").c_str(), (world / "peer").c_str(), nullptr, MS_BIND, nullptr),
                  0);
        world.make_directory("shared/d");
        test::write_text(world / "shared/f", "");
        const Change change{.attributes = {.set = MOUNT_ATTR_RDONLY}};
        ASSERT_TRUE(succeeded(attach(world, source.path(), "shared/d", change)));
        ASSERT_TRUE(succeeded(attach(world, source / "f", "shared/f", change)));
        for (const char* path : {"shared/d", "peer/d", "shared/f", "peer/f"})
            EXPECT_TRUE(mount_at(world / path).attributes.starts_with("ro")) << path;
    });
}

TEST(AttachChanged, WithItsPropagation) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path());
        ASSERT_EQ(::mount("", source.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
        world.make_directory("d");
        const auto with = [&](const std::vector<std::uint32_t>& words) {
            const Change change{.attributes = {}, .propagation = world.stage.numbers(words)};
            EXPECT_TRUE(succeeded(attach(world, source.path(), "d", change)));
            return mount_at(world / "d").propagation;
        };
        EXPECT_TRUE(with({MS_SLAVE | MS_REC}).starts_with("master:"));
        EXPECT_EQ(with({MS_PRIVATE | MS_REC}), "");
        EXPECT_EQ(with({MS_UNBINDABLE}), "unbindable");
    });
}

// ---- whole trees ----------------------------------------------------------------------------------------

TEST(ChangeTree, ReachesEveryMountBelow) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path());
        const char* names[] = {"a", "a/b", "two words", "line\nbreak", "back\\slash", "tab\there"};
        for (const char* name : names) {
            ASSERT_EQ(::mkdir((source / name).c_str(), 0755), 0);
            mount_tmpfs(source / name, MS_NOSUID);
        }
        world.make_directory("d");
        const plan::MountAttributes wanted{.set = MOUNT_ATTR_NODEV, .set_tree = MOUNT_ATTR_RDONLY};
        ASSERT_TRUE(succeeded(attach(world, source.path(), "d", {.attributes = wanted})));
        EXPECT_EQ(mount_at(world / "d").attributes, "ro,nodev,relatime");
        for (const char* name : names) {
            EXPECT_EQ(::mkdir((world / "d/" + name + "/x").c_str(), 0755), -1) << name;
            EXPECT_EQ(errno, EROFS) << name;
            EXPECT_EQ(::mkdir((source / name + "/x").c_str(), 0755), 0) << "the source is as it was";
            EXPECT_EQ(::rmdir((source / name + "/x").c_str()), 0);
        }
        EXPECT_EQ(mount_at(world / "d/a/b").attributes, "ro,nosuid,relatime");
    });
}

TEST(ChangeTree, OfAMountThatIsAttached) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"d", "other"}) world.make_directory(name);
        mount_tmpfs(world / "d");
        world.make_directory("d/below");
        mount_tmpfs(world / "d/below");
        mount_tmpfs(world / "other");
        const Fd mount(::open((world / "d").c_str(), O_PATH | O_CLOEXEC));
        const plan::MountAttributes wanted{.set_tree = MOUNT_ATTR_RDONLY};
        ASSERT_TRUE(succeeded(change_mount(world.stage.context, mount.number(), {.attributes = wanted})));
        for (const char* name : {"d", "d/below"})
            EXPECT_TRUE(mount_at(world / name).attributes.starts_with("ro")) << name;
        for (const std::string& path : {world.path, world / "other"})
            EXPECT_TRUE(mount_at(path).attributes.starts_with("rw")) << path;
    });
}

// As with an autofs below what it mounted: the covered one has no path.
TEST(ChangeTree, WhatIsCoveredAsAWholeDoesNotStandInTheWay) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path());
        ASSERT_EQ(::mkdir((source / "a").c_str(), 0755), 0);
        mount_tmpfs(source / "a");
        mount_tmpfs(source / "a");
        world.make_directory("d");
        ASSERT_TRUE(succeeded(protect(world, source.path(), "d")));
        EXPECT_TRUE(mount_at(world / "d/a").attributes.starts_with("ro")) << "the one on top";
    });
}

// What else it finds there it must not take for the mount: an image's owner could put it there.
TEST(ChangeTree, AWayThatLeadsToAnotherMountIsAnError) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        if (world.changing != plan::Call::mount) return;
        mount_tmpfs(source.path());
        ASSERT_EQ(::mkdir((source / "a").c_str(), 0755), 0);
        ASSERT_EQ(::mkdir((source / "a/b").c_str(), 0755), 0);
        mount_tmpfs(source / "a/b");
        mount_tmpfs(source / "a");
        world.make_directory("d");
        const std::size_t before = test::mount_table().size();
        EXPECT_TRUE(fails(protect(world, source.path(), "d"), ENOENT, plan::Call::openat2));
        ASSERT_EQ(::mkdir((source / "a/b").c_str(), 0755), 0);
        EXPECT_TRUE(fails(protect(world, source.path(), "d"), EBUSY, plan::Call::check));
        ASSERT_EQ(::rmdir((source / "a/b").c_str()), 0);
        ASSERT_EQ(::symlink("../c", (source / "a/b").c_str()), 0);
        EXPECT_TRUE(fails(protect(world, source.path(), "d"), ELOOP, plan::Call::openat2));
        EXPECT_EQ(test::mount_table().size(), before);
        ASSERT_EQ(::umount((source / "a").c_str()), 0);
        EXPECT_TRUE(succeeded(protect(world, source.path(), "d")));
        EXPECT_TRUE(mount_at(world / "d/a/b").attributes.starts_with("ro"));
    });
}

TEST(ChangeTree, MoreMountsThanThereIsRoomForAreAnError) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        if (world.changing != plan::Call::mount) return;
        mount_tmpfs(source.path());
        for (int i = 0; i < 1024; ++i) {
            const std::string path = source / cat(i);
            ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
            ASSERT_EQ(::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), 0);
        }
        world.make_directory("d");
        const std::size_t before = test::mount_table().size();
        EXPECT_TRUE(fails(protect(world, source.path(), "d"), EOVERFLOW, plan::Call::check));
        EXPECT_EQ(test::mount_table().size(), before) << "nothing is left of it";
        ASSERT_EQ(::umount((source / "7").c_str()), 0);
        EXPECT_TRUE(succeeded(protect(world, source.path(), "d")));
    });
}

TEST(AttachChanged, WhatFailsIsLeftNowhere) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "");
    in_world([&](World& world) {
        world.make_directory("d");
        test::write_text(world / "f", "");
        const std::size_t before = test::mount_table().size();
        const Change nonsense{.attributes = {.set = MOUNT_ATTR_RDONLY},
                              .propagation = world.stage.numbers({MS_SHARED | MS_SLAVE})};
        EXPECT_TRUE(fails(attach(world, source.path(), "d", nonsense), EINVAL, world.changing));
        EXPECT_TRUE(fails(attach(world, source / "f", "f", nonsense), EINVAL, world.changing));
        world.trees.clear();
        EXPECT_EQ(test::mount_table().size(), before);
    });
}

// ---- OpenSelf ---------------------------------------------------------------------------------

TEST(OpenSelf, TakesTheStagesOwnDirectory) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd procfs(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        world.stage.context.self = -1;
        world.stage.context.procfs = procfs.number();
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::OpenSelf{})));
        const Fd self(world.stage.context.self);
        EXPECT_EQ(test::text_of(cat("/proc/self/fd/", self.number(), "/stat")).substr(0, 12),
                  test::text_of("/proc/self/stat").substr(0, 12));
        EXPECT_TRUE(test::closes_on_exec(self.number()));
    });
}

TEST(OpenSelf, WithoutAProcfsIsAnError) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.stage.context.self = -1;
        EXPECT_TRUE(fails(apply(world.stage.context, plan::OpenSelf{}), EBADF, plan::Call::openat2));
        world.stage.context.procfs = world.root.number();
        EXPECT_TRUE(fails(apply(world.stage.context, plan::OpenSelf{}), ENOENT, plan::Call::openat2));
        EXPECT_EQ(world.stage.context.self, -1);
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
