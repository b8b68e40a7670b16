// SPDX-License-Identifier: Apache-2.0
#include "base/remove_tree.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::Folder;

// `depth` directories, one in the other, each with a file beside the next.
void nest(int top, unsigned depth) {
    Fd here = std::move(*sys::open_at(top, ".", O_RDONLY | O_DIRECTORY));
    for (unsigned i = 0; i < depth; ++i) {
        ASSERT_TRUE(sys::make_directory_at(here.number(), "d", 0700));
        ASSERT_TRUE(replace_file_at(here.number(), "f", "", 0600));
        here = std::move(*sys::open_at(here.number(), "d", O_RDONLY | O_DIRECTORY));
    }
}

TEST(RemoveBelow, HasNoDepth) {
    const Folder folder;
    constexpr unsigned deeper_than_any_path = 5000;
    nest(folder.fd(), deeper_than_any_path);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit few{32, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const auto removed = remove_below(folder.fd());
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(removed) << removed.error().text;
    EXPECT_TRUE(names_in(folder.fd())->empty());
}

TEST(RemoveBelow, TakesWhateverThereIsAndFollowsNothing) {
    const Folder folder, other;
    test::write_text(other / "precious", "x");
    ASSERT_EQ(::symlink(other.path().c_str(), (folder / "link").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkdir((folder / "a").c_str(), 0700), 0);
    ASSERT_EQ(::mkdir((folder / "a/b").c_str(), 0700), 0);
    ASSERT_EQ(::mkdir((folder / "a/b/c").c_str(), 0700), 0);
    ASSERT_EQ(::symlink("/", (folder / "a/b/root").c_str()), 0);
    ASSERT_TRUE(remove_below(folder.fd()));
    EXPECT_TRUE(names_in(folder.fd())->empty());
    EXPECT_EQ(names_in(other.fd()).value(), std::vector<std::string>{"precious"});
}

// The names that it gives itself may be taken.
TEST(RemoveBelow, IsNotHeldUpByNames) {
    const Folder folder;
    for (int i = 0; i < 20; ++i) {
        const std::string name = folder / cat("removed:", i);
        ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
        ASSERT_EQ(::mkdir((name + "/x").c_str(), 0700), 0);
        test::write_text(name + "/x/file", "");
    }
    ASSERT_TRUE(remove_below(folder.fd()));
    EXPECT_TRUE(names_in(folder.fd())->empty());
}

TEST(RemoveBelow, OfAnEmptyDirectoryIsNothing) { EXPECT_TRUE(remove_below(Folder().fd())); }

}  // namespace
}  // namespace bulkhead
