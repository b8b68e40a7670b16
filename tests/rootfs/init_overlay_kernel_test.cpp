// SPDX-License-Identifier: Apache-2.0
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {
namespace {

using test::fails;
using test::in_world;
using test::succeeded;
using test::World;

// How the kernel is told: lowerdir+ of fsconfig(2), or one text for mount(2).
enum class Way : std::uint32_t { text, parameter };

bool kernel_knows(Way way) {
    utsname names{};
    ::uname(&names);
    unsigned major = 0, minor = 0;
    EXPECT_EQ(std::sscanf(names.release, "%u.%u", &major, &minor), 2);
    return way == Way::text || major > 6 || (major == 6 && minor >= 7);
}

struct Layers {
    std::vector<std::string> lower;
    std::vector<std::string> upper{};  // upper and work
    std::string size{};
    bool user_xattr = false;
};

class Overlay : public ::testing::TestWithParam<Way> {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        if (!kernel_knows(GetParam())) GTEST_SKIP() << "lowerdir+ came with 6.7";
    }

    // Every layer is below World/layers, which is the allowed directory.
    static plan::Outcome mount(World& world, const Layers& layers) {
        const auto pairs = [&](const std::vector<std::string>& list) {
            std::vector<std::string> all;
            for (const std::string& name : list) {
                all.push_back(world / "layers");
                all.push_back(name);
            }
            plan::Texts texts = world.stage.texts(all);
            return texts;
        };
        return apply(world.stage.context,
                     plan::MountOverlay{.lower = pairs(layers.lower),
                                        .upper = pairs(layers.upper),
                                        .size = world.stage.text(layers.size),
                                        .user_xattr = layers.user_xattr,
                                        .by_parameter = static_cast<std::uint32_t>(GetParam())});
    }
    // A path below the overlay, which covers "/" and is not the root yet.
    static std::string inside(const World& world, const std::string& name = "") {
        return cat("/proc/self/fd/", world.stage.context.root, "/", name);
    }
    static void make_layers(World& world, std::initializer_list<const char*> names) {
        world.make_directory("layers");
        for (const char* name : names) {
            world.make_directory(std::string("layers/") + name);
            test::write_text(world / (std::string("layers/") + name + "/own-" + name), name);
            test::write_text(world / (std::string("layers/") + name + "/all"), name);
        }
    }
};

INSTANTIATE_TEST_SUITE_P(By, Overlay, ::testing::Values(Way::text, Way::parameter),
                         [](const auto& way) { return way.param == Way::text ? "text" : "parameter"; });

TEST_P(Overlay, TheTopmostLayerWins) {
    in_world([](World& world) {
        make_layers(world, {"a", "b", "c"});
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b", "c"}, {}, "1m"})));
        EXPECT_EQ(test::text_of(inside(world, "all")), "a");
        for (const char* name : {"a", "b", "c"})
            EXPECT_EQ(test::text_of(inside(world, std::string("own-") + name)), name);
    });
}

TEST_P(Overlay, AThrowAwayUpperLeavesTheLayersAlone) {
    in_world([](World& world) {
        make_layers(world, {"a", "b"});
        ASSERT_EQ(::chmod((world / "layers/a").c_str(), 01750), 0);
        ASSERT_EQ(::chown((world / "layers/a").c_str(), 7, 8), 0);
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {}, "1m"})));
        const struct stat root = test::status_of_path(inside(world));
        EXPECT_EQ(root.st_mode, S_IFDIR | 01750u) << "as the topmost layer";
        EXPECT_EQ(root.st_uid, 7u);
        EXPECT_EQ(root.st_gid, 8u);
        test::write_text(inside(world, "all"), "changed");
        EXPECT_EQ(::unlink(inside(world, "own-b").c_str()), 0);
        EXPECT_EQ(test::text_of(inside(world, "all")), "changed");
        EXPECT_FALSE(test::is_there(inside(world, "own-b")));
        EXPECT_EQ(test::text_of(world / "layers/a/all"), "a");
        EXPECT_EQ(test::text_of(world / "layers/b/own-b"), "b");
    });
}

TEST_P(Overlay, TheSizeOfAThrowAwayUpperIsALimit) {
    in_world([](World& world) {
        make_layers(world, {"a", "b"});
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {}, "1m"})));
        const Fd file(::open(inside(world, "big").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        ASSERT_EQ(::posix_fallocate(file.number(), 0, 1 << 19), 0);
        EXPECT_EQ(::posix_fallocate(file.number(), 0, 1 << 21), ENOSPC);
    });
}

TEST_P(Overlay, AKeptUpperComesBack) {
    const test::Folder folder;
    for (const char* expected : {"a", "changed"})
        test::in_namespaces(CLONE_NEWNS, [&] {
            ::umask(0);
            World world(folder.path());
            ASSERT_EQ(::umount2(folder.path().c_str(), MNT_DETACH), 0);  // what is kept is on the disk
            if (!test::is_there(world / "layers")) {
                make_layers(world, {"a", "b", "upper", "work"});
                std::filesystem::remove(world / "layers/upper/all");
            }
            ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {"upper", "work"}})));
            EXPECT_EQ(test::text_of(inside(world, "all")), expected);
            test::write_text(inside(world, "all"), "changed");
            EXPECT_EQ(test::text_of(world / "layers/upper/all"), "changed");
            EXPECT_EQ(test::text_of(world / "layers/a/all"), "a");
        });
}

TEST_P(Overlay, WithoutAnUpperNothingCanBeWritten) {
    for (const std::vector<std::string>& lower : {std::vector<std::string>{"a", "b"}, {"a"}})
        in_world([&](World& world) {
            make_layers(world, {"a", "b"});
            ASSERT_TRUE(succeeded(mount(world, {lower})));
            EXPECT_EQ(test::text_of(inside(world, "all")), "a");
            EXPECT_EQ(::open(inside(world, "all").c_str(), O_WRONLY), -1);
            EXPECT_EQ(errno, EROFS);
            test::write_text(world / "layers/a/all", "the host may");
        });
}

TEST_P(Overlay, TakesMoreThanAHundredLayers) {
    in_world([](World& world) {
        world.make_directory("layers");
        std::vector<std::string> names;
        for (int i = 0; i < 120; ++i) {
            names.push_back(cat("a-rather-long-name-of-a-layer-", i));
            world.make_directory("layers/" + names.back());
            test::write_text(world / cat("layers/", names.back(), "/", i), cat(i));
        }
        const std::size_t before = test::open_descriptors();
        ASSERT_TRUE(succeeded(mount(world, {names, {}, "1m"})));
        for (int i = 0; i < 120; ++i) EXPECT_EQ(test::text_of(inside(world, cat(i))), cat(i));
        EXPECT_EQ(test::open_descriptors(), before + 1) << "only the root stays open";
    });
}

TEST_P(Overlay, WhiteoutsAndOpaqueDirectoriesHide) {
    in_world([](World& world) {
        make_layers(world, {"a", "b"});
        world.make_directory("layers/b/dir");
        test::write_text(world / "layers/b/dir/below", "");
        world.make_directory("layers/a/dir");
        ASSERT_EQ(::setxattr((world / "layers/a/dir").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
        ASSERT_EQ(::mknod((world / "layers/a/own-b").c_str(), S_IFCHR, makedev(0, 0)), 0);
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {}, "1m"})));
        EXPECT_FALSE(test::is_there(inside(world, "own-b")));
        EXPECT_TRUE(test::is_there(inside(world, "dir")));
        EXPECT_FALSE(test::is_there(inside(world, "dir/below")));
    });
}

TEST_P(Overlay, ALinkMayLeadAnywhereBelowTheAllowedDirectoryAndNowhereElse) {
    const std::tuple<const char*, const char*, int> table[] = {
        {"link", "a", 0},           {"link", "./../layers/a", EXDEV},  {"link", "../secret", EXDEV},
        {"link", "/tmp", EXDEV},    {"link", "/proc/self/cwd", EXDEV}, {"link", "nowhere", ENOENT},
        {"link", "a/all", ENOTDIR},
    };
    for (const auto& [name, target, error] : table)
        in_world([&, name = name, target = target, error = error](World& world) {
            make_layers(world, {"a", "b"});
            world.make_directory("secret");
            world.make_link(std::string("layers/") + name, target);
            for (const Layers& layers :
                 {Layers{{name, "b"}, {}, "1m"}, Layers{{name}}, Layers{{"b"}, {name, "a"}}}) {
                const plan::Outcome mounted = mount(world, layers);
                const bool upper_is_lower = error == 0 && !layers.upper.empty();
                if (upper_is_lower) continue;
                EXPECT_TRUE(error == 0 ? succeeded(mounted) : fails(mounted, error, plan::Call::openat2))
                    << target;
            }
        });
}

TEST_P(Overlay, ALayerInsideAnotherIsRefused) {
    in_world([](World& world) {
        make_layers(world, {"a", "b"});
        for (const char* name : {"layers/upper", "layers/upper/in", "layers/work"})
            world.make_directory(name);
        world.make_link("layers/link", "upper/in");  // what no look at the text can see
        EXPECT_TRUE(fails(mount(world, {{"link", "b"}, {"upper", "work"}}), ELOOP,
                          GetParam() == Way::text ? plan::Call::mount : plan::Call::fsconfig));
        EXPECT_TRUE(fails(mount(world, {{"gone", "b"}, {}, "1m"}), ENOENT, plan::Call::openat2));
    });
}

// Nothing of it can be seen by the host or in the container: no path, no tmpfs, and after pivot_root nothing
// but the root.
TEST_P(Overlay, ShowsNothingOfTheHost) {
    in_world([](World& world) {
        make_layers(world, {"a", "b"});
        world.make_directory("layers/a/proc");
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {}, "1m"})));
        ASSERT_EQ(::mount("proc", inside(world, "proc").c_str(), "proc", 0, nullptr), 0);
        ASSERT_TRUE(succeeded(apply(world.stage.context, plan::PivotRoot{})));
        const auto table = test::mount_table();
        ASSERT_EQ(table.size(), 2u);
        EXPECT_EQ(table[0].point, "/");
        EXPECT_EQ(table[0].type, "overlay");
        EXPECT_EQ(table[0].source, "overlay");
        EXPECT_EQ(table[0].options.find('/'), std::string::npos) << table[0].options;
        EXPECT_EQ(table[1].point, "/proc");
    });
}

// In a user namespace the marks are user.overlay.*, and a whiteout is one of the few nodes that can be made.
TEST_P(Overlay, WorksInAUserNamespace) {
    NEEDS_KERNEL(5, 11);
    const test::Folder folder;
    test::in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, [&] {
        test::write_text("/proc/self/setgroups", "deny");
        test::write_text("/proc/self/uid_map", "0 0 1");
        test::write_text("/proc/self/gid_map", "0 0 1");
        ::umask(0);
        World world(folder.path());
        make_layers(world, {"a", "b"});
        for (const char* name : {"layers/b/dir", "layers/a/dir"}) world.make_directory(name);
        test::write_text(world / "layers/b/dir/below", "");
        const bool marks =  // tmpfs has user.* attributes since 6.6
            ::setxattr((world / "layers/a/dir").c_str(), "user.overlay.opaque", "y", 1, 0) == 0;
        ASSERT_TRUE(succeeded(mount(world, {{"a", "b"}, {}, "1m", true})));
        EXPECT_EQ(::unlink(inside(world, "own-b").c_str()), 0) << std::strerror(errno);
        EXPECT_FALSE(test::is_there(inside(world, "own-b")));
        EXPECT_EQ(test::is_there(inside(world, "dir/below")), !marks);
        if (!marks) return;
        EXPECT_EQ(::rmdir(inside(world, "dir").c_str()), 0) << std::strerror(errno);
        EXPECT_EQ(::mkdir(inside(world, "dir").c_str(), 0755), 0) << std::strerror(errno);
    });
}

}  // namespace
}  // namespace bulkhead::rootfs
