// SPDX-License-Identifier: Apache-2.0
#include "rootfs/world.hpp"
// then what includes base/raw.hpp
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "base/files.hpp"
#include "rootfs/in_root.hpp"

namespace bulkhead::rootfs {
namespace {

using test::Folder;
using test::in_world;
using test::World;

std::uint64_t inode_of(long fd) {
    const auto status = sys::status_of(static_cast<int>(fd));
    return status ? status->st_ino : 0;
}
std::uint64_t inode_at(const std::string& path) { return test::status_of_path(path).st_ino; }

// What `path` leads to in the world, as a path of the host; or the errno in words.
std::string reached(const World& world, const char* path, bool plain = false) {
    const Fd found(static_cast<int>(open_in_root(world.root.number(), path, plain)));
    if (!found) return errno_words(-found.number());
    std::string place = std::filesystem::read_symlink(cat("/proc/self/fd/", found.number())).string();
    return place.substr(std::min(place.size(), world.path.size()));
}

TEST(OpenInRoot, LinksLeadAnywhereInTheImageAndNowhereElse) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("etc");
        world.make_directory("a");
        world.make_directory("a/b");
        const std::tuple<const char*, const char*, const char*> table[] = {
            {"absolute", "/etc", "/etc"},
            {"upward", "../../../../../../etc", "/etc"},
            {"a/b/up", "../../etc", "/etc"},
            {"root", "/", ""},
            {"dots", "..", ""},
            {"chain1", "chain2", "/etc"},
            {"chain2", "/a/b/chain3", "/etc"},
            {"a/b/chain3", "../../absolute", "/etc"},
            {"dangling", "/nowhere", "no such file or directory"},
            {"loop", "loop", "too many levels of symbolic links"},
        };
        for (const auto& [name, to, end] : table) world.make_link(name, to);
        for (const auto& [name, to, end] : table) EXPECT_EQ(reached(world, name), end) << name;
        EXPECT_EQ(reached(world, "/etc"), "/etc");
        EXPECT_EQ(reached(world, "../../a/./b//"), "/a/b");
    });
}

TEST(OpenInRoot, MagicLinksNeverResolve) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("proc");
        ASSERT_EQ(::mount("proc", (world / "proc").c_str(), "proc", 0, nullptr), 0);
        const std::string magic = cat("/proc/self/fd/", world.root.number());
        world.make_link("magic", magic);
        for (const std::string& path : {magic, std::string("magic"), std::string("/proc/self/root/etc")})
            EXPECT_EQ(reached(world, path.c_str()), "too many levels of symbolic links") << path;
        EXPECT_EQ(reached(world, "/proc/self/status").substr(0, 6), "/proc/");
    });
}

TEST(OpenInRoot, PlainRefusesLinksOfEveryKind) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("a");
        world.make_directory("a/b");
        world.make_link("link", "a");
        EXPECT_EQ(reached(world, "a/b", true), "/a/b");
        EXPECT_EQ(reached(world, "link", true), "too many levels of symbolic links");
        EXPECT_EQ(reached(world, "link/b", true), "too many levels of symbolic links");
        EXPECT_EQ(reached(world, "link/b", false), "/a/b");
    });
}

TEST(OpenInRoot, PathsAreBounded) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const std::string path(5000, 'a');
        EXPECT_EQ(open_in_root(world.root.number(), path.c_str()), -ENAMETOOLONG);
        EXPECT_EQ(make_in_root(world.root.number(), path.c_str(), Missing::directory).fd, -ENAMETOOLONG);
        EXPECT_EQ(parent_in_root(world.root.number(), path.c_str()).directory, -ENAMETOOLONG);
    });
}

TEST(MakeInRoot, MissingDirectoriesAreMade) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Target made = make_in_root(world.root.number(), "a/b/c", Missing::directory);
        const Fd fd(static_cast<int>(made.fd));
        EXPECT_TRUE(made.made);
        EXPECT_EQ(inode_of(made.fd), inode_at(world / "a/b/c"));
        for (const char* name : {"a", "a/b", "a/b/c"})
            EXPECT_EQ(test::status_of_path(world / name).st_mode, S_IFDIR | 0755u) << name;
        const Target again = make_in_root(world.root.number(), "a/b/c", Missing::directory);
        const Fd other(static_cast<int>(again.fd));
        EXPECT_FALSE(again.made);
        EXPECT_EQ(inode_of(again.fd), inode_of(made.fd));
    });
}

TEST(MakeInRoot, TheLastComponentCanBeAFile) {
    NEEDS_ROOT();
    in_world([](World& world) {
        const Fd made(static_cast<int>(make_in_root(world.root.number(), "a/f", Missing::file).fd));
        ASSERT_TRUE(made);
        EXPECT_EQ(test::status_of_path(world / "a/f").st_mode, S_IFREG | 0644u);
        EXPECT_EQ(make_in_root(world.root.number(), "a/f/g", Missing::directory).fd, -ENOTDIR);
    });
}

TEST(MakeInRoot, GoesOnBehindLinks) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("real");
        world.make_link("link", "/real");
        const Fd made(static_cast<int>(make_in_root(world.root.number(), "link/x/y", Missing::directory).fd));
        ASSERT_TRUE(made);
        EXPECT_EQ(inode_of(made.number()), inode_at(world / "real/x/y"));
    });
}

TEST(MakeInRoot, ADanglingLinkIsAnErrorAndMakesNothing) {
    NEEDS_ROOT();
    const Folder outside;
    in_world([&](World& world) {
        world.make_link("inside", "nowhere");
        world.make_link("out", outside / "new");
        for (const char* path : {"inside/x/y", "inside", "out/x", "out"})
            EXPECT_EQ(make_in_root(world.root.number(), path, Missing::directory).fd, -ENOTDIR) << path;
        EXPECT_EQ(make_in_root(world.root.number(), "out", Missing::file).fd, -EEXIST);
        EXPECT_FALSE(test::is_there(world / "nowhere"));
    });
    EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(MakeInRoot, PlainRefusesLinksAndMakesTheRest) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("a");
        world.make_link("link", "a");
        EXPECT_EQ(make_in_root(world.root.number(), "link", Missing::directory, true).fd, -ELOOP);
        EXPECT_EQ(make_in_root(world.root.number(), "link/x", Missing::directory, true).fd, -ELOOP);
        const Fd made(
            static_cast<int>(make_in_root(world.root.number(), "a/x", Missing::directory, true).fd));
        EXPECT_TRUE(made);
        EXPECT_FALSE(test::is_there(world / "link/x/y"));
    });
}

TEST(MakeInRoot, LongPathsOfWholeComponents) {
    NEEDS_ROOT();
    in_world([](World& world) {
        std::string path(250, 'x');
        for (int i = 1; i < 16; ++i) path.append("/").append(250, 'x');
        ASSERT_LT(path.size(), 4096u);
        const Fd made(
            static_cast<int>(make_in_root(world.root.number(), path.c_str(), Missing::directory).fd));
        EXPECT_TRUE(made) << errno_words(-made.number());
    });
}

TEST(MakeInRoot, AReadOnlyRootSaysSo) {
    NEEDS_ROOT();
    in_world([](World& world) {
        ASSERT_EQ(::mount("", world.path.c_str(), "", MS_REMOUNT | MS_RDONLY | MS_BIND, nullptr), 0);
        const Target target = make_in_root(world.root.number(), "a/b", Missing::directory);
        EXPECT_EQ(target.fd, -EROFS);
        EXPECT_EQ(target.call, plan::Call::mkdirat);
    });
}

TEST(ParentInRoot, IsOpenAndTheNameStandsByItself) {
    NEEDS_ROOT();
    in_world([](World& world) {
        world.make_directory("dev");
        world.make_link("link", "dev");
        const std::tuple<const char*, const char*, const char*> table[] = {{"dev/null", "dev", "null"},
                                                                           {"link/null", "dev", "null"},
                                                                           {"null", ".", "null"},
                                                                           {"/null", ".", "null"}};
        for (const auto& [path, parent, name] : table) {
            const ParentDirectory place = parent_in_root(world.root.number(), path);
            const Fd directory(static_cast<int>(place.directory));
            EXPECT_EQ(inode_of(place.directory), inode_at(world / parent)) << path;
            EXPECT_STREQ(place.name, name);
        }
        EXPECT_EQ(parent_in_root(world.root.number(), "missing/null").directory, -ENOENT);
    });
}

// CVE-2024-45310: a neighbour swaps a directory for a link while the path is walked.
class Swapper {
  public:
    Swapper(int directory, const char* one, const char* other)
        : thread_([this, directory, one, other] {
              constexpr unsigned exchange = 2;  // RENAME_EXCHANGE
              while (!stop_) ::syscall(SYS_renameat2, directory, one, directory, other, exchange);
          }) {}
    ~Swapper() {
        stop_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

TEST(MakeInRoot, ASwapOfDirectoryAndLinkNeverLeadsOutside) {
    NEEDS_ROOT();
    const Folder folder;  // not a tmpfs of its own: the canary is reachable by .. as well
    ASSERT_EQ(::mkdirat(folder.fd(), "canary", 0755), 0);
    ASSERT_EQ(::mkdirat(folder.fd(), "root", 0755), 0);
    const Fd root(::open((folder / "root").c_str(), O_PATH | O_CLOEXEC));
    ASSERT_EQ(::mkdirat(root.number(), "dir", 0755), 0);
    ASSERT_EQ(::symlinkat("../canary", root.number(), "up"), 0);
    ASSERT_EQ(::symlinkat((folder / "canary").c_str(), root.number(), "away"), 0);
    const std::size_t before = test::open_descriptors();
    std::size_t made = 0, refused = 0;
    for (const char* link : {"up", "away"}) {
        const Swapper swapper(root.number(), "dir", link);
        for (int i = 0; i < 2000; ++i) {
            const std::string path = cat("dir/", i % 2 == 0 ? "d" : "f", i, "/x");
            const Fd target(static_cast<int>(
                make_in_root(root.number(), path.c_str(), i % 2 == 0 ? Missing::directory : Missing::file)
                    .fd));
            target ? ++made : ++refused;
        }
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder / "canary"));
    EXPECT_GT(made, 0u) << "the race must be a race";
    EXPECT_GT(refused, 0u);
    EXPECT_EQ(test::open_descriptors(), before);
}

}  // namespace
}  // namespace bulkhead::rootfs
