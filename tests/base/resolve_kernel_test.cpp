// SPDX-License-Identifier: Apache-2.0
// Every path twice: openat2(2) is right by definition, and the walk has to say the same.
#include <sys/mount.h>
#include <sys/syscall.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/text.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/kernel_headers.hpp"
// then what includes base/raw.hpp
#include "base/resolve.hpp"

namespace bulkhead::raw {
namespace {

using test::Folder;

// What a descriptor is, or the errno in words; closes it.
std::string verdict(long result) {
    if (result < 0) return errno_words(static_cast<int>(-result));
    const Fd fd(static_cast<int>(result));
    return std::filesystem::read_symlink(cat("/proc/self/fd/", fd.number())).string();
}

// Where somebody mounts something meanwhile, wherever that is, the kernel begins anew and does not forget the
// links that it has counted, so ELOOP is believed at the fifth time.
std::string by_kernel(int root, const std::string& path, long flags,
                      std::uint64_t resolve = RESOLVE_IN_ROOT) {
    long result = -ELOOP;
    for (int i = 0; i < 5 && result == -ELOOP; ++i)
        result =
            openat2(root, path.c_str(), static_cast<std::uint64_t>(flags), resolve | RESOLVE_NO_MAGICLINKS);
    return verdict(result);
}

void make_tree(const std::string& at) {
    for (const char* directory :
         {"", "/a", "/a/b", "/a/b/c", "/etc", "/mnt", "/proc", "/sticky", "/locked", "/nofollow"})
        ASSERT_EQ(::mkdir((at + directory).c_str(), 0755), 0) << directory;
    for (const char* file : {"/file", "/a/file", "/etc/passwd", "/sticky/file"})
        test::write_text(at + file, "x");
    ASSERT_EQ(::mkfifo((at + "/fifo").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((at + "/sticky").c_str(), 01777), 0);
    ASSERT_EQ(::chmod((at + "/locked").c_str(), 0600), 0);
    const std::pair<const char*, const char*> links[] = {
        {"absolute", "/etc"},
        {"relative", "a/b"},
        {"upward", "../../../etc"},
        {"a/b/up", "../../etc"},
        {"root", "/"},
        {"dots", ".."},
        {"dot", "."},
        {"slash", "a/b/"},
        {"to-file", "file"},
        {"to-file-slash", "file/"},
        {"dangling", "/nowhere"},
        {"dangling-deep", "a/no/where"},
        {"loop", "loop"},
        {"loop1", "loop2"},
        {"loop2", "/loop1"},
        {"chain1", "chain2"},
        {"chain2", "/a/b/chain3"},
        {"a/b/chain3", "../../absolute"},
        {"self", "/proc/self"},
        {"magic", "/proc/self/fd/0"},
        {"magic-root", "/proc/self/root"},
        {"slashes", "//a///b//c//"},
        {"sticky/mine", "file"},
        {"nofollow/link", "../file"},
    };
    for (const auto& [name, to] : links) ASSERT_EQ(::symlink(to, cat(at, "/", name).c_str()), 0) << name;
    ASSERT_EQ(::symlink("file", (at + "/sticky/theirs").c_str()), 0);
    ASSERT_EQ(::lchown((at + "/sticky/theirs").c_str(), 1000, 1000), 0);
    for (int i = 0; i < 45; ++i)  // n39 needs 40 links to be followed, n40 one too many
        ASSERT_EQ(::symlink(i == 0 ? "a" : cat("n", i - 1).c_str(), cat(at, "/n", i).c_str()), 0);
    ASSERT_EQ(::mount("proc", (at + "/proc").c_str(), "proc", 0, nullptr), 0);
    ASSERT_EQ(::mount("tmpfs", (at + "/mnt").c_str(), "tmpfs", 0, nullptr), 0);
    test::write_text(at + "/mnt/inner", "x");
    ASSERT_EQ(::symlink("/etc", (at + "/mnt/link").c_str()), 0);
}

std::vector<std::string> nasty_paths() {
    std::vector<std::string> paths{"",
                                   "/",
                                   ".",
                                   "..",
                                   "../..",
                                   "/../../..",
                                   "//",
                                   "./",
                                   "../",
                                   "a",
                                   "/a",
                                   "a/",
                                   "a//b",
                                   "a/./b/",
                                   "a/../a/b",
                                   "a/b/../../../a",
                                   "file",
                                   "file/",
                                   "file/.",
                                   "file/..",
                                   "file/x",
                                   "a/file/../file",
                                   "missing",
                                   "missing/",
                                   "missing/..",
                                   "a/missing/../b",
                                   "absolute",
                                   "absolute/",
                                   "absolute/passwd",
                                   "relative/c",
                                   "upward/passwd",
                                   "a/b/up",
                                   "a/b/up/../..",
                                   "root",
                                   "root/a",
                                   "dots",
                                   "dot/dot/a",
                                   "slash",
                                   "slash/c",
                                   "to-file",
                                   "to-file/",
                                   "to-file-slash",
                                   "dangling",
                                   "dangling/x",
                                   "dangling-deep",
                                   "loop",
                                   "loop/x",
                                   "loop1",
                                   "chain1",
                                   "chain1/passwd",
                                   "slashes",
                                   "n38",
                                   "n39",
                                   "n40",
                                   "n44/b",
                                   "fifo",
                                   "fifo/",
                                   "fifo/x",
                                   "proc/self/status",
                                   "self/status",
                                   "proc/thread-self/comm",
                                   "proc/mounts",
                                   "proc/net",
                                   "proc/self/fd/0",
                                   "proc/self/exe",
                                   "proc/self/cwd",
                                   "proc/self/root",
                                   "proc/self/root/etc",
                                   "proc/self/ns/mnt",
                                   "magic",
                                   "magic-root/etc",
                                   "proc/self/../../etc",
                                   "proc/1/cwd/..",
                                   "mnt/inner",
                                   "mnt/..",
                                   "mnt/../etc/passwd",
                                   "mnt/link",
                                   "mnt/link/passwd",
                                   "sticky/mine",
                                   "locked",
                                   "locked/.",
                                   "locked/..",
                                   "locked/../a",
                                   "nofollow/link",
                                   "etc/passwd",
                                   std::string(255, 'n'),
                                   std::string(256, 'n'),
                                   std::string(4095, 'n'),
                                   std::string(4096, 'n'),
                                   "a/" + std::string(300, 'n') + "/x"};
    std::string deep;
    for (int i = 0; i < 300; ++i) deep += "../a/b/../";
    paths.push_back(deep.substr(0, 3000));
    return paths;
}

void in_tree(const std::function<void(int root)>& body) {
    const Folder folder;
    test::in_namespaces(CLONE_NEWNS | CLONE_NEWPID, [&] {
        test::in_child([&] {  // the first process of the pid namespace, so that its procfs can be mounted
            make_tree(folder / "root");
            const Fd root(::open((folder / "root").c_str(), O_PATH | O_CLOEXEC));
            body(root.number());
        });
    });
}

TEST(Walk, HasTheKernelsVerdicts) {
    NEEDS_ROOT();
    in_tree([](int root) {
        const std::size_t before = test::open_descriptors();
        constexpr long ways[] = {O_PATH, O_PATH | O_DIRECTORY, O_RDONLY | O_NONBLOCK | O_NOCTTY};
        constexpr std::uint64_t rules[] = {RESOLVE_IN_ROOT,
                                           RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
                                           RESOLVE_IN_ROOT | RESOLVE_NO_XDEV,
                                           RESOLVE_BENEATH,
                                           RESOLVE_BENEATH | RESOLVE_NO_XDEV,
                                           RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
        for (const std::string& path : nasty_paths())
            for (const long flags : ways)
                for (const std::uint64_t resolve : rules)
                    EXPECT_EQ(verdict(walk_below(root, path.c_str(), flags, resolve)),
                              by_kernel(root, path, flags, resolve))
                        << path.substr(0, 60) << " flags " << flags << " resolve " << resolve;
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(Walk, KnowsMountsThatFollowNoLinks) {
    NEEDS_ROOT();
    in_tree([](int root) {
        const std::string place = verdict(walk_below(root, "nofollow", O_PATH));
        constexpr unsigned long no_symfollow = 256;  // MS_NOSYMFOLLOW, 5.10
        ASSERT_EQ(::mount(place.c_str(), place.c_str(), nullptr, MS_BIND, nullptr), 0);
        ASSERT_EQ(::mount("", place.c_str(), nullptr, MS_BIND | MS_REMOUNT | no_symfollow, nullptr), 0);
        EXPECT_EQ(verdict(walk_below(root, "nofollow/link", O_PATH)), errno_words(ELOOP));
        EXPECT_EQ(by_kernel(root, "nofollow/link", O_PATH), errno_words(ELOOP));
    });
}

TEST(Walk, AsAnUnprivilegedUserToo) {
    NEEDS_ROOT();
    in_tree([](int root) {
        ASSERT_EQ(::setresuid(1000, 1000, 1000), 0);
        for (const std::string& path : nasty_paths())
            EXPECT_EQ(verdict(walk_below(root, path.c_str(), O_PATH)), by_kernel(root, path, O_PATH))
                << path.substr(0, 60);
        EXPECT_EQ(verdict(walk_below(root, "locked/..", O_PATH)), errno_words(EACCES));
    });
}

// As with fs.protected_symlinks = 1, whatever this machine has.
TEST(Walk, FollowsNoStrangersLinkInADirectoryForAll) {
    NEEDS_ROOT();
    in_tree([](int root) {
        EXPECT_EQ(verdict(walk_below(root, "sticky/theirs", O_PATH)), errno_words(EACCES));
        EXPECT_EQ(verdict(walk_below(root, "sticky/theirs/x", O_PATH)), errno_words(EACCES));
        if (test::text_of("/proc/sys/fs/protected_symlinks") != "0\n") {
            EXPECT_EQ(by_kernel(root, "sticky/theirs", O_PATH), errno_words(EACCES));
        }
    });
}

TEST(OpenFromRoot, TakesTheProcessesOwn) {
    EXPECT_EQ(verdict(open_from_root("/etc/../proc/", O_PATH)), "/proc");
    EXPECT_EQ(verdict(open_from_root("/proc/self/root", O_PATH)), errno_words(ELOOP));
    EXPECT_EQ(verdict(open_from_root("/etc/passwd", O_PATH | O_DIRECTORY)), errno_words(ENOTDIR));
}

// A directory goes back and forth between the root and a place outside it.
TEST(Walk, LeavesWithNobodyWhoIsMovedOut) {
    NEEDS_ROOT();
    const Folder folder;
    for (const char* name : {"root", "outside", "root/in", "root/in/deep"})
        ASSERT_EQ(::mkdir((folder / name).c_str(), 0755), 0);
    test::write_text(folder / "canary", "x");
    const Fd root(::open((folder / "root").c_str(), O_PATH | O_CLOEXEC));
    std::atomic<bool> stop = false;
    std::thread mover([&] {
        while (!stop) {
            ::renameat(folder.fd(), "root/in", folder.fd(), "outside/in");
            ::renameat(folder.fd(), "outside/in", folder.fd(), "root/in");
        }
    });
    std::size_t refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        const Fd found(static_cast<int>(walk_below(root.number(), "in/deep/../../canary", O_PATH)));
        EXPECT_FALSE(found);
        if (found.number() == -ENOENT) ++refused;
    }
    stop = true;
    mover.join();
    EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace bulkhead::raw
