// SPDX-License-Identifier: Apache-2.0
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::succeeded;
using test::World;

// The root as AttachRoot leaves it, with a procfs of its own to look around with.
void attach_root(World& world) {
    world.make_directory("proc");
    ASSERT_EQ(::mount("proc", (world / "proc").c_str(), "proc", 0, nullptr), 0);
    const plan::Slot tree = world.clone_of(world.path, true);
    ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachRoot{tree})));
}

plan::Outcome hide(World& world, const std::vector<std::string>& inputs) {
    return apply(world.stage.context, plan::HideKernelMounts{world.stage.texts(inputs)});
}

std::size_t count_at(const std::string& point) {
    const auto table = test::mount_table();
    return static_cast<std::size_t>(std::ranges::count(table, point, &test::MountLine::point));
}

// --- HideKernelMounts, ChangeRoot

TEST(ChangeRoot, LeavesNoPathToTheHost) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("only-here");
        attach_root(world);
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::ChangeRoot{})));
        EXPECT_TRUE(test::is_there("/only-here"));
        EXPECT_TRUE(test::is_there("/../only-here"));
        EXPECT_FALSE(test::is_there("/tmp"));
        const auto table = test::mount_table();
        EXPECT_EQ(table.size(), 2u);
        EXPECT_EQ(table.front().point, "/");
    });
}

TEST(HideKernelMounts, UnmountsWhatItIsTold) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const test::Folder host;
        for (int i = 0; i < 2; ++i) {
            ASSERT_EQ(::mount("proc", host.path().c_str(), "proc", 0, nullptr), 0);
        }
        attach_root(world);
        const int table = ::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);  // of the host's root
        ASSERT_TRUE(succeeded(hide(world, {host.path(), host.path()})));
        const std::string text = test::text_of(cat("/proc/self/fd/", table));
        EXPECT_EQ(text.find(host.path() + " "), std::string::npos);
    });
}

// What a mount took along with it, or what is a file, is none that could be mounted over.
TEST(HideKernelMounts, TakesWhatIsGoneForGone) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const test::Folder host;
        ASSERT_EQ(::mount("tmpfs", host.path().c_str(), "tmpfs", 0, nullptr), 0);
        ASSERT_EQ(::mkdir((host / "proc").c_str(), 0755), 0);
        ASSERT_EQ(::mount("proc", (host / "proc").c_str(), "proc", 0, nullptr), 0);
        attach_root(world);
        EXPECT_TRUE(succeeded(hide(world, {host.path(), host / "proc"})));
    });
}

// In a user namespace the mounts it was born with are held fast (mount_namespaces(7)).
TEST(HideKernelMounts, CoversWhatCannotBeUnmounted) {
    NEEDS_ROOT();
    const test::Folder folder;
    test::in_namespaces(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, [&] {
        test::write_text("/proc/self/setgroups", "deny");
        test::write_text("/proc/self/uid_map", "0 0 1");
        World world(folder.path());
        const int host = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ASSERT_EQ(::umount2("/proc", 0), -1) << "the host's procfs can be unmounted here";
        const plan::Slot tree = world.clone_of(world.path);
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::AttachRoot{tree})));
        ASSERT_TRUE(succeeded(hide(world, {"/proc"})));
        EXPECT_EQ(::faccessat(host, "../proc/self", F_OK, 0), -1) << "the way back finds it uncovered";
        EXPECT_EQ(errno, ENOENT);
    });
}

TEST(HideKernelMounts, NamesTheCallThatFailed) {
    NEEDS_ROOT();
    in_world([](World& world) {
        test::write_text(world / "file", "");
        EXPECT_TRUE(fails(hide(world, {world / "file"}), ENOTDIR, plan::Call::mount));
    });
}

// --- SetRootPropagation

TEST(SetRootPropagation, IsThatOfTheRoot) {
    NEEDS_ROOT();
    const std::tuple<unsigned long, std::string_view, std::string_view> table[] = {
        {MS_SHARED, "shared:", ""},
        {MS_SHARED | MS_REC, "shared:", "shared:"},
        {MS_UNBINDABLE, "unbindable", ""},
        {MS_PRIVATE | MS_REC, "", ""},
    };
    for (const auto& [flags, root, below] : table)
        in_world([&, flags = flags, root = root, below = below](World& world) {
            attach_root(world);
            ASSERT_TRUE(succeeded(apply(world.stage.context, plan::PivotRoot{})));
            ASSERT_TRUE(succeeded(
                apply(world.stage.context, plan::SetRootPropagation{static_cast<std::uint32_t>(flags)})));
            EXPECT_EQ(test::mount_at("/").propagation.substr(0, root.size()), root);
            EXPECT_EQ(test::mount_at("/").propagation.empty(), root.empty());
            EXPECT_EQ(test::mount_at("/proc").propagation.empty(), below.empty());
            EXPECT_EQ(count_at("/"), 1u);
        });
}

TEST(SetRootPropagation, OfWhatIsNoWordIsAnError) {
    NEEDS_ROOT();
    in_world([](World& world) {
        EXPECT_TRUE(fails(apply(world.stage.context, plan::SetRootPropagation{MS_SHARED | MS_SLAVE}), EINVAL,
                          plan::Call::mount));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
