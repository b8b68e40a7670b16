// SPDX-License-Identifier: Apache-2.0
// What a neighbour does to a root that it shares: it renames what something is mounted on. Here the test
// moves the mount point's names by renaming the directory above, which a mount namespace does not forbid.
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::succeeded;
using test::World;

constexpr plan::Anchor first{1}, second{2}, third{3};

void exchange(const World& world, const char* one, const char* other) {
    constexpr unsigned exchanged = 2;  // RENAME_EXCHANGE
    EXPECT_EQ(::syscall(SYS_renameat2, AT_FDCWD, (world / one).c_str(), AT_FDCWD, (world / other).c_str(),
                        exchanged),
              0)
        << std::strerror(errno);
}

// A tmpfs on a/t, where `a` can be moved; `b` looks the same.
void mount_in_a(World& world, plan::Anchor anchor = first, bool plain = false) {
    for (const char* name : {"a", "b", "a/t", "b/t"}) world.make_directory(name);
    plan::MountFilesystem op{.type = world.stage.text("tmpfs"),
                             .source = world.stage.text("tmpfs"),
                             .target = world.stage.text("a/t"),
                             .options = {},
                             .propagation = {},
                             .attributes = 0,
                             .anchor = anchor,
                             .plain_target_only = plain,
                             .inherit_mode = 0,
                             .copy_up = 0,
                             .sized = 0,
                             .kept = 1};
    ASSERT_TRUE(succeeded(apply(world.stage.context, op)));
}

plan::Outcome compare(World& world, const char* path, plan::Anchor anchor) {
    return apply(world.stage.context, plan::ComparePlace{world.stage.text(path), anchor});
}

plan::Path below(World& world, const char* path, std::uint16_t skip, plan::Anchor anchor) {
    return {world.stage.text(path), skip, anchor};
}

// --- ComparePlace

TEST(ComparePlace, WantsTheMountThatWasAttached) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        EXPECT_TRUE(succeeded(compare(world, "a/t", first)));
        exchange(world, "a", "b");
        EXPECT_TRUE(fails(compare(world, "a/t", first), EBUSY, plan::Call::check));
        EXPECT_TRUE(succeeded(compare(world, "b/t", first)));
        exchange(world, "a", "b");
        EXPECT_TRUE(succeeded(compare(world, "a/t", first)));
    });
}

TEST(ComparePlace, NeitherADirectoryInItNorAMissingNameWillDo) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        world.make_directory("a/t/deeper");
        EXPECT_TRUE(fails(compare(world, "a/t/deeper", first), EBUSY, plan::Call::check));
        EXPECT_TRUE(fails(compare(world, "none", first), EBUSY, plan::Call::check));
        EXPECT_TRUE(fails(compare(world, "a", first), EBUSY, plan::Call::check));
    });
}

TEST(ComparePlace, IsPatientWithWhoeverExchangesNamesWithoutEnd) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        std::atomic<bool> done{false};
        std::thread neighbour([&] {
            while (!done) exchange(world, "a", "b");
        });
        for (int i = 0; i < 200; ++i) EXPECT_TRUE(succeeded(compare(world, "a/t", first)));
        done = true;
        neighbour.join();
    });
}

// A link of the image gives one place two names.
TEST(ComparePlace, ALaterMountOfOursMayCoverAnEarlierOne) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        world.make_link("link", "a");
        const plan::Slot tree = world.clone_of(world / "b");
        ASSERT_TRUE(
            succeeded(apply(world.stage.context, plan::AttachTree{.tree = tree,
                                                                  .target = world.stage.text("link/t"),
                                                                  .attributes = {},
                                                                  .propagation = {},
                                                                  .anchor = second})));
        EXPECT_TRUE(succeeded(compare(world, "a/t", first)));
        EXPECT_TRUE(succeeded(compare(world, "link/t", second)));
        EXPECT_TRUE(succeeded(compare(world, "a/t/covered", first))) << "what it covers is missing";
    });
}

TEST(ComparePlace, AProcfsIsCoveredByNothingAndReachedByNoLink) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world, first, true);
        world.make_link("link", "a");
        EXPECT_TRUE(succeeded(compare(world, "a/t", first)));
        EXPECT_TRUE(fails(compare(world, "link/t", first), EBUSY, plan::Call::check));
        const plan::Slot tree = world.clone_of(world / "b");
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachTree{.tree = tree,
                                                                          .target = world.stage.text("a/t"),
                                                                          .attributes = {},
                                                                          .propagation = {},
                                                                          .anchor = second})));
        EXPECT_TRUE(fails(compare(world, "a/t", first), EBUSY, plan::Call::check));
    });
}

TEST(ComparePlace, WhatWasMissingIsMissing) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const auto null = world.stage.text("dev/null");
        ASSERT_TRUE(
            succeeded(apply(world.stage.context, plan::MaskPath{world.stage.text("m"), null, first})));
        EXPECT_TRUE(succeeded(compare(world, "m", first)));
        world.make_directory("m");
        EXPECT_TRUE(fails(compare(world, "m", first), EBUSY, plan::Call::check));
    });
}

// --- beneath a mount

TEST(Anchor, LeadsToTheMountWhateverItsNameLeadsTo) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        world.make_directory("a/t/secret");
        world.make_directory("b/t/secret");
        exchange(world, "a", "b");
        const auto null = world.stage.text("dev/null");
        ASSERT_TRUE(succeeded(
            apply(world.stage.context, plan::MaskPath{below(world, "a/t/secret", 4, first), null, second})));
        EXPECT_EQ(test::mount_at(world / "b/t/secret").attributes, "ro,nosuid,nodev,noexec,relatime");
        EXPECT_EQ(test::mount_at(world / "a/t/secret").point, "");
        EXPECT_TRUE(fails(compare(world, "a/t/secret", second), EBUSY, plan::Call::check));
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::ProtectPath{below(world, "a/t", 3, first)})));
        EXPECT_EQ(::mkdir((world / "b/t/x").c_str(), 0755), -1) << "the mount itself";
        EXPECT_EQ(errno, EROFS);
    });
}

// What an image means by an absolute link is the container's.
TEST(Anchor, ALinkThatLeavesTheMountIsFollowedFromTheRoot) {
    NEEDS_ROOT();
    in_world([](World& world) {
        mount_in_a(world);
        world.make_directory("else");
        world.make_link("a/t/absolute", "/else");
        world.make_link("a/t/upward", "../../else");
        for (const char* path : {"a/t/absolute/one", "a/t/upward/two"}) {
            ASSERT_TRUE(
                succeeded(apply(world.stage.context, plan::MakeDirectory{below(world, path, 4, first)})))
                << path;
        }
        EXPECT_TRUE(test::is_there(world / "else/one"));
        EXPECT_TRUE(test::is_there(world / "else/two"));
    });
}

// --- HoldDirectory

TEST(HoldDirectory, IsOneForAllThatLiesBelow) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"a", "b", "a/m", "b/m", "a/ro", "b/ro"}) world.make_directory(name);
        const auto null = world.stage.text("dev/null");
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::HoldDirectory{world.stage.text("a"), first})));
        ASSERT_TRUE(
            succeeded(apply(world.stage.context, plan::ProtectPath{below(world, "a/ro", 2, first), second})));
        exchange(world, "a", "b");
        ASSERT_TRUE(succeeded(
            apply(world.stage.context, plan::MaskPath{below(world, "a/m", 2, first), null, third})));
        EXPECT_NE(test::mount_at(world / "b/ro").point, "");
        EXPECT_NE(test::mount_at(world / "b/m").point, "");
        exchange(world, "a", "b");
        EXPECT_TRUE(succeeded(compare(world, "a/ro", second)));
        EXPECT_TRUE(succeeded(compare(world, "a/m", third)));
    });
}

TEST(HoldDirectory, BelowAMissingOneEverythingIsMissing) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const auto null = world.stage.text("dev/null");
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::HoldDirectory{world.stage.text("a"), first})));
        world.make_directory("a");
        world.make_directory("a/m");
        ASSERT_TRUE(succeeded(
            apply(world.stage.context, plan::MaskPath{below(world, "a/m", 2, first), null, second})));
        EXPECT_TRUE(fails(compare(world, "a/m", second), EBUSY, plan::Call::check));
    });
}

// --- AttachRoot

// Hooks would find another directory, with nothing of the container in it.
TEST(AttachRoot, RefusesAPlaceThatIsNotWhatWasCloned) {
    NEEDS_ROOT();
    in_world([](World& world) {
        for (const char* name : {"a", "b", "a/root", "b/root"}) world.make_directory(name);
        const auto place = world.stage.text(world / "a/root");
        const plan::Slot tree = world.clone_of(world / "a/root");
        exchange(world, "a", "b");
        EXPECT_TRUE(
            fails(apply(world.stage.context, plan::AttachRoot{tree, place}), EBUSY, plan::Call::openat2));
        exchange(world, "a", "b");
        EXPECT_TRUE(succeeded(apply(world.stage.context, plan::AttachRoot{tree, place})));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
