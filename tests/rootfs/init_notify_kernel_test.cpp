// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/un.h>

#include "base/socket.hpp"
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::mount_at;
using test::succeeded;
using test::World;

Fd new_socket() { return Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

plan::Outcome mount(World& world, const Fd& socket, const std::string& target = "run/notify") {
    return apply(
        world.stage.context,
        plan::MountNotifySocket{.socket = world.stage.slot(socket.number()),
                                .target = world.stage.text(target),
                                .options = world.stage.texts({"mode=755", "size=16k", "nr_inodes=16"})});
}

TEST(MountNotifySocket, IsAFileSystemOfItsOwnThatEverybodyMayWriteTo) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd socket = new_socket();
        const std::size_t before = test::open_descriptors();
        ASSERT_TRUE(succeeded(mount(world, socket)));
        EXPECT_EQ(test::open_descriptors(), before);
        const test::MountLine line = mount_at(world / "run/notify");
        EXPECT_EQ(line.type, "tmpfs");
        EXPECT_EQ(line.attributes, "ro,nosuid,nodev,noexec,relatime");
        EXPECT_EQ(test::status_of_path(world / "run/notify").st_mode, S_IFDIR | 0755u);
        EXPECT_EQ(test::status_of_path(world / "run/notify/notify.sock").st_mode, S_IFSOCK | 0777u);
        const auto sender = sys::connect_datagram(world / "run/notify/notify.sock");
        ASSERT_TRUE(sender && sys::send(sender->number(), "READY=1"));
        std::array<char, 16> text{};
        EXPECT_EQ(::recv(socket.number(), text.data(), text.size(), MSG_DONTWAIT), 7);
    });
}

TEST(MountNotifySocket, IsBoundedAlsoWhereItIsMadeWritable) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd socket = new_socket();
        ASSERT_TRUE(succeeded(mount(world, socket)));
        const std::string place = world / "run/notify";
        ASSERT_EQ(::mount("", place.c_str(), "", MS_REMOUNT | MS_BIND, nullptr), 0);
        unsigned made = 0;
        for (std::string path = place; made < 100 && ::mkdir((path += "/d").c_str(), 0755) == 0;) ++made;
        EXPECT_LT(made, 16u);
        EXPECT_EQ(errno, ENOSPC);
    });
}

// The working directory is where bind(2) looks, and a file system that it stays in could not be unmounted.
TEST(MountNotifySocket, DoesNotStayInItsFileSystem) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd socket = new_socket();
        ASSERT_TRUE(succeeded(mount(world, socket)));
        EXPECT_NE(test::status_of_path(".").st_dev, test::status_of_path(world / "run/notify").st_dev);
    });
}

TEST(MountNotifySocket, FollowsLinksOfTheRootInsideAndTakesNoFileForADirectory) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd socket = new_socket();
        world.make_directory("elsewhere");
        world.make_link("run", "/elsewhere");
        ASSERT_TRUE(succeeded(mount(world, socket)));
        EXPECT_EQ(mount_at(world / "elsewhere/notify").type, "tmpfs");
        test::write_text(world / "file", "");
        const Fd other = new_socket();
        EXPECT_TRUE(fails(mount(world, other, "file"), ENOTDIR, plan::Call::move_mount));
    });
}

TEST(MountNotifySocket, OfADescriptorThatIsNoSocketFails) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        EXPECT_TRUE(fails(mount(world, file), ENOTSOCK, plan::Call::bind));
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
