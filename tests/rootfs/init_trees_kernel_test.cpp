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
using test::succeeded;
using test::World;

struct Wish {
    std::string path;
    plan::MountAttributes attributes{};
    std::vector<std::uint32_t> propagation{};
    bool recursive = false;
};

// Clones, and attaches the clone at `target`. Where only what is attached can be changed, that step does it.
plan::Outcome clone(World& world, const Wish& wish, const std::string& target) {
    const Fd placeholder(::open("/dev/null", O_PATH | O_CLOEXEC));
    const plan::Slot slot = world.stage.slot(placeholder.number());
    plan::CloneSource source{.path = world.stage.text(wish.path),
                             .attributes = {},
                             .propagation = {},
                             .slot = slot,
                             .recursive = wish.recursive};
    plan::AttachTree attach{slot, world.stage.text(target), {}, {}};
    const bool at_once = world.changing == plan::Call::mount_setattr;
    (at_once ? source.attributes : attach.attributes) = wish.attributes;
    (at_once ? source.propagation : attach.propagation) = world.stage.numbers(wish.propagation);
    if (const plan::Outcome cloned = apply(world.stage.context, source); !cloned) return cloned;
    const Fd tree(world.stage.context.fd(slot));
    return apply(world.stage.context, attach);
}

void mount_tmpfs(const std::string& at, unsigned long flags = 0) {
    ASSERT_EQ(::mount("tmpfs", at.c_str(), "tmpfs", flags, nullptr), 0) << std::strerror(errno);
}

TEST(CloneSource, OfOneMountOrAllBelow) {
    NEEDS_ROOT();
    const Folder source;
    ASSERT_EQ(::mkdirat(source.fd(), "below", 0755), 0);
    in_world([&](World& world) {
        mount_tmpfs(source / "below");
        ASSERT_TRUE(succeeded(clone(world, {.path = source.path()}, "one")));
        ASSERT_TRUE(succeeded(clone(world, {.path = source.path(), .recursive = true}, "all")));
        EXPECT_EQ(mount_at(world / "one/below").type, "");
        EXPECT_EQ(mount_at(world / "all/below").type, "tmpfs");
    });
}

TEST(CloneSource, HasItsAttributesBeforeItIsAttached) {
    NEEDS_ROOT();
    const Folder source;
    ASSERT_EQ(::mkdirat(source.fd(), "below", 0755), 0);
    in_world([&](World& world) {
        mount_tmpfs(source.path(), MS_NODEV);
        ASSERT_EQ(::mkdir((source / "below").c_str(), 0755), 0);
        mount_tmpfs(source / "below");
        ASSERT_TRUE(succeeded(clone(world,
                                    {.path = source.path(),
                                     .attributes = {.set = MOUNT_ATTR_NOEXEC,
                                                    .clear = MOUNT_ATTR_NODEV,
                                                    .set_tree = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME,
                                                    .clear_tree = MOUNT_ATTR__ATIME},
                                     .recursive = true},
                                    "a")));
        EXPECT_EQ(mount_at(world / "a").attributes, "ro,noexec,noatime");
        EXPECT_EQ(mount_at(world / "a/below").attributes, "ro,noatime");
        EXPECT_EQ(mount_at(source.path()).attributes, "rw,nodev,relatime") << "the source is as it was";
    });
}

TEST(CloneSource, TreeAttributesWin) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        const plan::MountAttributes both{.set = MOUNT_ATTR_RDONLY, .clear_tree = MOUNT_ATTR_RDONLY};
        ASSERT_TRUE(succeeded(clone(world, {.path = source.path(), .attributes = both}, "a")));
        EXPECT_TRUE(mount_at(world / "a").attributes.starts_with("rw"));
    });
}

TEST(CloneSource, HasItsPropagationInOrder) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path());
        ASSERT_EQ(::mount("", source.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
        const auto with = [&](std::vector<std::uint32_t> list, const std::string& at) {
            EXPECT_TRUE(succeeded(clone(world, {.path = source.path(), .propagation = std::move(list)}, at)));
            return mount_at(world / at).propagation;
        };
        EXPECT_EQ(with({}, "peer"), mount_at(source.path()).propagation);
        EXPECT_TRUE(with({MS_SLAVE | MS_REC}, "slave").starts_with("master:"));
        EXPECT_EQ(with({MS_PRIVATE | MS_REC}, "private"), "");
        const std::string both = with({MS_SLAVE | MS_REC, MS_SHARED}, "both");
        EXPECT_NE(both.find("shared:"), both.npos);
        EXPECT_NE(both.find("master:"), both.npos);
        EXPECT_EQ(with({MS_UNBINDABLE}, "unbindable"), "unbindable");
    });
}

TEST(CloneSource, ErrorsNameTheCall) {
    NEEDS_ROOT();
    in_world([](World& world) {
        EXPECT_TRUE(fails(clone(world, {.path = world / "missing"}, "a"), ENOENT, plan::Call::openat));
        ASSERT_EQ(::mount("", world.path.c_str(), nullptr, MS_UNBINDABLE, nullptr), 0);
        world.make_directory("d");
        EXPECT_TRUE(fails(clone(world, {.path = world / "d"}, "a"), EINVAL, plan::Call::open_tree));
    });
}

// What a more privileged mount namespace has set is locked.
TEST(CloneSource, ALockedAttributeStays) {
    NEEDS_ROOT();
    const Folder source;
    in_world([&](World& world) {
        mount_tmpfs(source.path(), MS_NOSUID | MS_NODEV);
        ASSERT_EQ(::unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
        EXPECT_TRUE(
            fails(clone(world, {.path = source.path(), .attributes = {.clear = MOUNT_ATTR_NODEV}}, "a"),
                  EPERM, world.changing));
    });
}

// ---- Remount --------------------------------------------------------------------------------------------

plan::Outcome remount(World& world, const std::string& target, plan::MountAttributes attributes,
                      const std::vector<std::string>& options) {
    return apply(world.stage.context, plan::Remount{.target = world.stage.text(target),
                                                    .options = world.stage.texts(options),
                                                    .propagation = {},
                                                    .attributes = attributes});
}

plan::Outcome remount_bind(World& world, const std::string& target, plan::MountAttributes attributes,
                           const std::vector<std::uint32_t>& propagation = {}) {
    return apply(world.stage.context, plan::RemountBind{.target = world.stage.text(target),
                                                        .propagation = world.stage.numbers(propagation),
                                                        .attributes = attributes});
}

TEST(RemountBind, ChangesTheMountAlone) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("a");
        mount_tmpfs(world / "a", MS_NOSUID);
        ASSERT_TRUE(succeeded(remount_bind(world, "a", {.set = MOUNT_ATTR_RDONLY}, {MS_SHARED})));
        EXPECT_EQ(mount_at(world / "a").attributes, "ro,nosuid,relatime") << "what is not named stays";
        EXPECT_TRUE(mount_at(world / "a").options.starts_with("rw")) << "the file system is as it was";
        EXPECT_TRUE(mount_at(world / "a").propagation.starts_with("shared:"));
        ASSERT_TRUE(succeeded(remount_bind(world, "a", {.clear = MOUNT_ATTR_RDONLY})));
        EXPECT_EQ(mount_at(world / "a").attributes, "rw,nosuid,relatime");
    });
}

TEST(Remount, ChangesTheFileSystem) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("a");
        mount_tmpfs(world / "a");
        ASSERT_TRUE(succeeded(remount(world, "a", {.set = MOUNT_ATTR_NOEXEC}, {"size=64k", "ro"})));
        EXPECT_TRUE(mount_at(world / "a").options.starts_with("ro,size=64k"));
        EXPECT_EQ(mount_at(world / "a").attributes, "rw,noexec,relatime");
        ASSERT_TRUE(succeeded(remount(world, "a", {}, {"rw"})));
        EXPECT_TRUE(mount_at(world / "a").options.starts_with("rw,size=64k"));
    });
}

TEST(Remount, OfWhatIsNoMountOrWithAStrangeOptionIsRefused) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("a");
        world.make_directory("plain");
        mount_tmpfs(world / "a");
        EXPECT_TRUE(fails(remount_bind(world, "plain", {}), EINVAL, plan::Call::check));
        EXPECT_TRUE(fails(remount(world, "missing", {}, {}), ENOENT, plan::Call::openat2));
        EXPECT_TRUE(fails(remount(world, "a", {.set = MOUNT_ATTR_RDONLY}, {"nonsense"}), EINVAL,
                          plan::Call::fsconfig));
        EXPECT_TRUE(mount_at(world / "a").attributes.starts_with("rw"));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
