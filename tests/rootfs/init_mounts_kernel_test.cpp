// SPDX-License-Identifier: Apache-2.0
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::Folder;
using test::in_world;
using test::mount_at;
using test::MountLine;
using test::succeeded;
using test::World;

struct Wish {
    std::string type, target;
    std::vector<std::string> options;
    std::uint32_t attributes = 0;
    bool plain = false, inherit = false, copy_up = false;
    std::vector<std::uint32_t> propagation{};
};

plan::Outcome mount(World& world, const Wish& wish) {
    return apply(world.stage.context,
                 plan::MountFilesystem{.type = world.stage.text(wish.type),
                                       .source = world.stage.text("the-source"),
                                       .target = world.stage.text(wish.target),
                                       .options = world.stage.texts(wish.options),
                                       .propagation = world.stage.numbers(wish.propagation),
                                       .attributes = wish.attributes,
                                       .plain_target_only = wish.plain,
                                       .inherit_mode = wish.inherit,
                                       .copy_up = wish.copy_up,
                                       .sized = 0});
}

mode_t permissions(const std::string& path) { return test::status_of_path(path).st_mode & 07777; }

TEST(MountFilesystem, TmpfsWithAttributesAndOptions) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const std::size_t before = test::open_descriptors();
        ASSERT_TRUE(succeeded(
            mount(world, {.type = "tmpfs",
                          .target = "a/b",
                          .options = {"size=64k", "mode=701"},
                          .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC})));
        const MountLine line = mount_at(world / "a/b");
        EXPECT_EQ(line.type, "tmpfs");
        EXPECT_EQ(line.source, "the-source");
        EXPECT_EQ(line.attributes, "rw,nosuid,nodev,noexec,relatime");
        EXPECT_NE(line.options.find("size=64k"), std::string::npos);
        EXPECT_EQ(permissions(world / "a/b"), 0701u);
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(MountFilesystem, ReadOnlyIsInForceFromTheStart) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_TRUE(
            succeeded(mount(world, {.type = "tmpfs", .target = "a", .attributes = MOUNT_ATTR_RDONLY})));
        EXPECT_EQ(::mkdir((world / "a/x").c_str(), 0755), -1);
        EXPECT_EQ(errno, EROFS);
    });
}

TEST(MountFilesystem, TmpfsInheritsTheModeOfTheDirectoryBelow) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("old", 01751);
        world.make_directory("told", 01751);
        ASSERT_TRUE(succeeded(mount(world, {.type = "tmpfs", .target = "old", .inherit = true})));
        ASSERT_TRUE(succeeded(
            mount(world, {.type = "tmpfs", .target = "told", .options = {"mode=700"}, .inherit = true})));
        ASSERT_TRUE(succeeded(mount(world, {.type = "tmpfs", .target = "new", .inherit = true})));
        EXPECT_EQ(permissions(world / "old"), 01751u);
        EXPECT_EQ(permissions(world / "told"), 0700u) << "what is said wins";
        EXPECT_EQ(permissions(world / "new"), 01777u) << "tmpfs's own";
    });
}

TEST(MountFilesystem, ProcAndDevpts) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_TRUE(succeeded(mount(world, {.type = "proc", .target = "proc", .plain = true})));
        EXPECT_TRUE(test::is_there(world / "proc/self/status"));
        ASSERT_TRUE(succeeded(mount(world, {.type = "devpts",
                                            .target = "dev/pts",
                                            .options = {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
                                            .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC})));
        EXPECT_EQ(mount_at(world / "dev/pts").options, "rw,gid=5,mode=620,ptmxmode=666");
        EXPECT_EQ(permissions(world / "dev/pts/ptmx"), 0666u);
    });
}

TEST(MountFilesystem, ProcIsNotMountedThroughALink) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("elsewhere");
        world.make_link("proc", "elsewhere");
        EXPECT_TRUE(fails(mount(world, {.type = "proc", .target = "proc", .plain = true}), ELOOP,
                          plan::Call::openat2));
        EXPECT_EQ(mount_at(world / "elsewhere").type, "");
        EXPECT_TRUE(succeeded(mount(world, {.type = "tmpfs", .target = "proc"}))) << "others may";
        EXPECT_EQ(mount_at(world / "elsewhere").type, "tmpfs");
    });
}

TEST(MountFilesystem, HasItsPropagationBeforeItIsAttached) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_TRUE(
            succeeded(mount(world, {.type = "tmpfs", .target = "a", .propagation = {MS_SHARED | MS_REC}})));
        EXPECT_TRUE(mount_at(world / "a").propagation.starts_with("shared:"));
        ASSERT_TRUE(succeeded(
            mount(world, {.type = "tmpfs", .target = "b", .propagation = {MS_SHARED, MS_UNBINDABLE}})));
        EXPECT_EQ(mount_at(world / "b").propagation, "unbindable") << "in the order of the words";
        EXPECT_TRUE(
            fails(mount(world, {.type = "tmpfs", .target = "c", .propagation = {MS_SHARED | MS_SLAVE}}),
                  EINVAL, world.changing));
        EXPECT_EQ(mount_at(world / "c").type, "");
    });
}

TEST(MountFilesystem, TakesTheKernelsSuperblockWords) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_TRUE(succeeded(mount(
            world, {.type = "tmpfs", .target = "a", .options = {"sync", "dirsync", "lazytime", "mand"}})));
        EXPECT_EQ(mount_at(world / "a").options.substr(0, 29), "rw,sync,dirsync,mand,lazytime");
        ASSERT_TRUE(succeeded(
            mount(world, {.type = "tmpfs", .target = "b", .options = {"sync", "async", "mand", "nomand"}})));
        EXPECT_EQ(mount_at(world / "b").options.find("sync"), std::string::npos);
    });
}

TEST(MountFilesystem, ErrorsNameTheCallAndMountNothing) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const std::size_t before = test::mount_table().size();
        EXPECT_TRUE(fails(mount(world, {.type = "nonsense", .target = "a"}), ENODEV, plan::Call::fsopen));
        EXPECT_TRUE(fails(mount(world, {.type = "tmpfs", .target = "a", .options = {"nonsense"}}), EINVAL,
                          plan::Call::fsconfig));
        EXPECT_TRUE(fails(mount(world, {.type = "tmpfs", .target = "a", .options = {"size=many"}}), EINVAL,
                          plan::Call::fsconfig));
        EXPECT_TRUE(fails(mount(world, {.type = "tmpfs", .target = "a", .attributes = ~0u}), EINVAL,
                          plan::Call::fsmount));
        test::write_text(world / "file", "");
        EXPECT_FALSE(mount(world, {.type = "tmpfs", .target = "file"}));
        EXPECT_EQ(test::mount_table().size(), before);
    });
}

TEST(MountFilesystem, LeavesTheArenaAsItWas) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const plan::Texts options = world.stage.texts({"size=64k", "mode=a=b"});
        const plan::MountFilesystem op{.type = world.stage.text("tmpfs"),
                                       .source = world.stage.text("x"),
                                       .target = world.stage.text("a"),
                                       .options = options,
                                       .propagation = {},
                                       .attributes = 0,
                                       .plain_target_only = 0,
                                       .inherit_mode = 0,
                                       .copy_up = 0,
                                       .sized = 0};
        EXPECT_FALSE(apply(world.stage.context, op));
        EXPECT_STREQ(world.stage.context.arena.text(options, 0), "size=64k");
        EXPECT_STREQ(world.stage.context.arena.text(options, 1), "mode=a=b");
    });
}

TEST(AttachTree, OfADirectoryAndOfAFile) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "from the host");
    in_world([&](World& world) {
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachTree{world.clone_of(source.path()),
                                                                          world.stage.text("mnt/dir")})));
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachTree{world.clone_of(source / "f"),
                                                                          world.stage.text("etc/file")})));
        EXPECT_EQ(test::text_of(world / "mnt/dir/f"), "from the host");
        EXPECT_EQ(test::text_of(world / "etc/file"), "from the host");
    });
}

TEST(AttachTree, OfTheWrongKindIsRefused) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "");
    in_world([&](World& world) {
        world.make_directory("dir");
        test::write_text(world / "file", "");
        const plan::AttachTree file_on_directory{world.clone_of(source / "f"), world.stage.text("dir")};
        const plan::AttachTree directory_on_file{world.clone_of(source.path()), world.stage.text("file")};
        const plan::AttachTree below_a_file{world.clone_of(source.path()), world.stage.text("file/x")};
        for (const plan::AttachTree& op : {file_on_directory, directory_on_file})
            EXPECT_TRUE(fails(apply(world.stage.context, op), ENOTDIR, plan::Call::move_mount));
        EXPECT_TRUE(fails(apply(world.stage.context, below_a_file), ENOTDIR, plan::Call::openat2));
    });
}

TEST(AttachTree, FollowsTheImagesLinksInsideTheRoot) {
    NEEDS_ROOT();
    const Folder source, outside;
    in_world([&](World& world) {
        world.make_directory("real");
        world.make_link("link", "../../../real");
        const plan::AttachTree op{world.clone_of(source.path()), world.stage.text("link")};
        ASSERT_TRUE(succeeded(apply(world.stage.context, op)));
        EXPECT_EQ(test::status_of_path(world / "real").st_ino, test::status_of_path(source.path()).st_ino);
    });
}

TEST(MakeDirectory, MakesWhatIsMissing) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (int round = 0; round < 2; ++round)
            EXPECT_TRUE(
                succeeded(apply(world.stage.context, plan::MakeDirectory{world.stage.text("srv/www")})));
        EXPECT_EQ(permissions(world / "srv/www"), 0755u);
        test::write_text(world / "file", "");
        EXPECT_TRUE(fails(apply(world.stage.context, plan::MakeDirectory{world.stage.text("file/x")}),
                          ENOTDIR, plan::Call::openat2));
    });
}

TEST(IsolateMounts, MakesEverythingPrivate) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_EQ(::mount("", world.path.c_str(), nullptr, MS_SHARED, nullptr), 0);
        ASSERT_NE(mount_at(world.path).propagation, "");
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::IsolateMounts{})));
        for (const MountLine& line : test::mount_table()) EXPECT_EQ(line.propagation, "") << line.point;
    });
}

// From the host's root to the container's, in the order of the timeline.
TEST(PivotRoot, LeavesNothingOfTheHost) {
    NEEDS_ROOT();
    const Folder image;
    test::write_text(image / "marker", "of the image");
    in_world([&](World& world) {
        const plan::Slot tree = world.clone_of(image.path());
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachRoot{tree})));
        EXPECT_EQ(world.stage.context.root, world.stage.context.fd(tree));
        ASSERT_TRUE(succeeded(mount(world, {.type = "proc", .target = "proc", .plain = true})));
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::ProtectRoot{})));
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::PivotRoot{})));

        EXPECT_EQ(test::text_of("/marker"), "of the image");
        EXPECT_EQ(std::filesystem::current_path(), "/");
        const std::vector<MountLine> table = test::mount_table();
        ASSERT_EQ(table.size(), 2u);
        EXPECT_EQ(table[0].point, "/");
        EXPECT_TRUE(table[0].attributes.starts_with("ro")) << table[0].attributes;
        EXPECT_EQ(table[1].point, "/proc");
        EXPECT_TRUE(table[1].attributes.starts_with("rw")) << "the root alone is read-only";
        EXPECT_EQ(::mkdir("/x", 0755), -1);
    });
}

TEST(PivotRoot, IntoWhatIsNoMountNamesTheCall) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("d");
        const Fd plain(::open((world / "d").c_str(), O_PATH | O_CLOEXEC));
        const Fd file(::open("/dev/null", O_PATH | O_CLOEXEC));
        const plan::Slot directory = world.stage.slot(plain.number());
        world.stage.context.root = file.number();
        EXPECT_TRUE(fails(apply(world.stage.context, plan::PivotRoot{}), ENOTDIR, plan::Call::fchdir));
        world.stage.context.root = plain.number();
        EXPECT_TRUE(fails(apply(world.stage.context, plan::PivotRoot{}), EINVAL, plan::Call::pivot_root));
        EXPECT_TRUE(
            fails(apply(world.stage.context, plan::AttachRoot{directory}), EINVAL, plan::Call::move_mount));
        EXPECT_TRUE(fails(apply(world.stage.context, plan::ProtectRoot{}), EINVAL, world.changing));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
