// SPDX-License-Identifier: Apache-2.0
#include <sys/sysmacros.h>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "process/init_ops.hpp"

namespace bulkhead::process {
namespace {

using test::fails;
using test::Folder;
using test::in_child;
using test::Stage;
using test::succeeded;

// --- FindHome: an image with an etc directory, entered by chroot

class Home : public ::testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        ASSERT_EQ(::mkdirat(image.fd(), "etc", 0755), 0);
    }

    std::string passwd() const { return image / "etc/passwd"; }

    void expect(std::uint32_t uid, const std::string& variable, std::size_t capacity = 4096) const {
        in_child([&] {
            ASSERT_EQ(::chroot(image.path().c_str()), 0);
            ASSERT_EQ(::chdir("/"), 0);
            Stage stage;
            const plan::Text room = stage.room("HOME=/", capacity);
            const std::uint64_t begin = sys::monotonic_ns();
            EXPECT_TRUE(succeeded(
                apply(stage.context, plan::FindHome{room, static_cast<std::uint32_t>(capacity), uid})));
            EXPECT_LT(sys::monotonic_ns() - begin, 1'000'000'000u);
            EXPECT_STREQ(stage.context.arena.text(room), variable.c_str());
        });
    }

    Folder image;
};

TEST_F(Home, IsTheUsersInPasswd) {
    test::write_text(passwd(), "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:\n");
    expect(0, "HOME=/root");
    expect(33, "HOME=/var/www");
    expect(34, "HOME=/");
}

TEST_F(Home, IsTheFirstOneOfThatUser) {
    test::write_text(passwd(), "a:x:5:5::/first:\nb:x:5:5::/second:\n");
    expect(5, "HOME=/first");
}

TEST_F(Home, NeedsNoNewlineAtTheEnd) {
    test::write_text(passwd(), "a:x:5:5::/home/a");
    expect(5, "HOME=/home/a");
}

TEST_F(Home, ComesFromWellFormedLinesOnly) {
    test::write_text(passwd(),
                     "\n:::\na:x:5\nb:x::5::/empty-uid:\nc:x:5x:5::/letters:\nd:x:-5:5::/signed:\n"
                     "e:x:4294967301:5::/overflow:\nf:x:18446744073709551621:5::/overflow64:\n"
                     "g:x:5:5::/too:many:fields:\nh:x:5:5:gecos:/good:/bin/sh\n");
    expect(5, "HOME=/good");
    expect(0, "HOME=/");
}

TEST_F(Home, TakesTheLargestUid) {
    test::write_text(passwd(), "a:x:4294967294:5::/largest:\n");
    expect(4294967294u, "HOME=/largest");
}

TEST_F(Home, EmptyIsTheRoot) {
    test::write_text(passwd(), "a:x:5:5:::/bin/sh\n");
    expect(5, "HOME=/");
}

TEST_F(Home, SkipsALineThatIsTooLong) {
    test::write_text(passwd(), "a:x:5:5::/" + std::string(10'000, 'a') + ":\nb:x:5:5::/b:\n");
    expect(5, "HOME=/b");
}

TEST_F(Home, ThatDoesNotFitIsTheRoot) {
    test::write_text(passwd(), "a:x:5:5::/home/a:\n");
    expect(5, "HOME=/", 12);
    expect(5, "HOME=/home/a", 13);
}

TEST_F(Home, IsFoundAcrossTheReadersBlocks) {
    std::string text;
    for (int i = 100; i < 1100; ++i) text.append(cat("user", i, ":x:", i, ":1::/home/", i, ":/bin/sh\n"));
    test::write_text(passwd(), text);
    expect(1099, "HOME=/home/1099");
}

TEST_F(Home, WithoutPasswdIsTheRoot) {
    expect(0, "HOME=/");
    ASSERT_EQ(::mkdirat(image.fd(), "etc/passwd", 0755), 0);
    expect(0, "HOME=/");
}

TEST_F(Home, NeverWaitsForAFifoAndNeverReadsOne) {
    ASSERT_EQ(::mkfifoat(image.fd(), "etc/passwd", 0666), 0);
    expect(0, "HOME=/");
    const Fd writer = std::move(*sys::open(passwd(), O_RDWR));
    ASSERT_TRUE(sys::write(writer.number(), "a:x:0:0::/from-the-fifo:\n"));
    expect(0, "HOME=/");
}

TEST_F(Home, NeverReadsADevice) {
    ASSERT_EQ(::mknodat(image.fd(), "etc/passwd", S_IFCHR | 0666, makedev(1, 5)), 0);
    expect(0, "HOME=/");
}

TEST_F(Home, ReadsNoMoreThanAMegabyte) {
    test::write_text(passwd(), "");
    ASSERT_EQ(::truncate(passwd().c_str(), 1 << 30), 0);
    expect(0, "HOME=/");
    // A line behind the limit is not seen, one before it is.
    test::write_text(passwd(), std::string((1 << 20) + 1, '\n') + "a:x:5:5::/late:\n");
    expect(5, "HOME=/");
    test::write_text(passwd(), std::string(1 << 19, '\n') + "a:x:5:5::/early:\n");
    expect(5, "HOME=/early");
}

TEST_F(Home, FollowsNoMagicLink) {
    const Folder outside;
    test::write_text(outside / "passwd", "a:x:0:0::/outside:\n");
    ASSERT_EQ(::mkdirat(image.fd(), "proc", 0755), 0);
    ASSERT_EQ(::symlinkat("/proc/self/root/../passwd", image.fd(), "etc/passwd"), 0);
    expect(0, "HOME=/");
}

// --- FindProgram

class Program : public ::testing::Test {
  protected:
    void SetUp() override {
        for (const char* name : {"a", "b"}) ASSERT_EQ(::mkdirat(folder.fd(), name, 0755), 0);
        ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    }

    void make(const std::string& name, mode_t mode) const {
        test::write_text(folder / name, "#!/bin/true\n");
        ASSERT_EQ(::chmod((folder / name).c_str(), mode), 0);
    }

    plan::Outcome find(const std::string& name, const std::vector<std::string>& places) {
        return apply(stage.context, plan::FindProgram{stage.text(name), stage.texts(places)});
    }

    std::string found() const {
        return stage.context.arena.text(stage.context.candidates, stage.context.program);
    }

    Folder folder;
    Stage stage;
};

TEST_F(Program, IsTheFirstThatCanBeExecuted) {
    make("b/x", 0755);
    ASSERT_TRUE(succeeded(find("x", {folder / "a/x", folder / "b/x"})));
    EXPECT_EQ(found(), folder / "b/x");
    make("a/x", 0755);
    ASSERT_TRUE(succeeded(find("x", {folder / "a/x", folder / "b/x"})));
    EXPECT_EQ(found(), folder / "a/x");
}

TEST_F(Program, IsNoDirectoryAndNeedsItsBit) {
    ASSERT_EQ(::mkdirat(folder.fd(), "a/x", 0755), 0);
    make("a/y", 0644);
    make("b/x", 0755);
    make("b/y", 0755);
    ASSERT_TRUE(succeeded(find("x", {folder / "a/x", folder / "b/x"})));
    EXPECT_EQ(found(), folder / "b/x");
    ASSERT_TRUE(succeeded(find("y", {folder / "a/y", folder / "b/y"})));
    EXPECT_EQ(found(), folder / "b/y");
}

TEST_F(Program, GivenAsAPathSaysWhyItIsNone) {
    make("y", 0644);
    ASSERT_EQ(::mkfifoat(folder.fd(), "fifo", 0777), 0);
    const std::pair<std::string, int> table[] = {
        {folder / "missing", ENOENT}, {folder / "y/x", ENOTDIR}, {folder / "a", EISDIR},
        {folder / "fifo", EACCES},    {folder / "y", EACCES},
    };
    for (const auto& [path, error] : table)
        EXPECT_TRUE(fails(find(path, {path}), error, plan::Call::faccessat)) << path;
}

TEST_F(Program, SearchedInVainIsNotFoundWhateverWasThere) {
    make("a/y", 0644);
    EXPECT_TRUE(fails(find("y", {folder / "a/y"}), ENOENT, plan::Call::faccessat));
    EXPECT_TRUE(fails(find("y", {}), ENOENT, plan::Call::faccessat));
}

TEST_F(Program, IsLookedForFromTheWorkingDirectory) {
    make("a/x", 0755);
    in_child([&] {
        ASSERT_EQ(::chdir((folder / "a").c_str()), 0);
        ASSERT_TRUE(succeeded(find("x", {"nowhere/x", "./x"})));
        EXPECT_EQ(found(), "./x");
    });
}

TEST_F(Program, IsLookedForAsTheUserWhoWillRunIt) {
    NEEDS_ROOT();
    make("a/x", 0700);
    make("b/x", 0755);
    in_child([&] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        ASSERT_TRUE(succeeded(find("x", {folder / "a/x", folder / "b/x"})));
        EXPECT_EQ(found(), folder / "b/x");
    });
}

}  // namespace
}  // namespace bulkhead::process
