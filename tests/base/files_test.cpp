// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead {
namespace {

using test::Folder;
using test::text_of;
using test::write_text;
using Names = std::vector<std::string>;

TEST(ReadFile, ReturnsTheWholeText) {
    const Folder folder;
    const std::string text(100'000, 'x');
    write_text(folder / "a", text);
    EXPECT_EQ(read_file_at(folder.fd(), "a", 1 << 20).value(), text);
    write_text(folder / "empty", "");
    EXPECT_EQ(read_file_at(folder.fd(), "empty", 0).value(), "");
}

TEST(ReadFile, IsBounded) {
    const Folder folder;
    write_text(folder / "a", "12345");
    EXPECT_EQ(read_file_at(folder.fd(), "a", 5).value(), "12345");
    const auto refused = read_file_at(folder.fd(), "a", 4);
    EXPECT_EQ(refused.error().text, "a: larger than 4 bytes");
    EXPECT_EQ(refused.error().kind, Kind::invalid_config);
}

TEST(ReadFile, IsBoundedWhereTheSizeWasALie) {
    const auto refused = read_file_at(sys::here, "/proc/self/maps", 10);  // st_size is 0
    EXPECT_EQ(refused.error().text, "/proc/self/maps: larger than 10 bytes");
}

TEST(ReadFile, RefusesWhatIsNoFileWithoutWaiting) {
    const Folder folder;
    ASSERT_EQ(::mkfifoat(folder.fd(), "fifo", 0600), 0);
    EXPECT_EQ(read_file_at(folder.fd(), "fifo", 10).error().text, "fifo: not a regular file");
    EXPECT_EQ(read_file_at(folder.fd(), "/dev/zero", 10).error().text, "/dev/zero: not a regular file");
    EXPECT_EQ(read_file_at(folder.fd(), ".", 10).error().err, EISDIR);
    EXPECT_EQ(read_file_at(folder.fd(), "missing", 10).error().kind, Kind::not_found);
}

TEST(ReadKernelLine, IsWithoutItsEnd) {
    const Folder folder;
    for (const char* text : {"max 100000\n", "max 100000"}) {
        write_text(folder / "a", text);
        EXPECT_EQ(read_kernel_line(folder.fd(), "a").value(), "max 100000");
    }
    write_text(folder / "a", "");
    EXPECT_EQ(read_kernel_line(folder.fd(), "a").value(), "");
    EXPECT_EQ(read_kernel_line(folder.fd(), "b").error().err, ENOENT);
}

TEST(ReadKernelFile, ReadsToTheEndAndNoFurtherThan4MiB) {
    const Folder folder;
    EXPECT_TRUE(read_kernel_file(sys::here, "/proc/self/stat").value().ends_with("\n"));
    for (const std::size_t size : {4095u, 4096u, 4097u, 4u << 20}) {
        write_text(folder / "a", std::string(size, 'x'));
        EXPECT_EQ(read_kernel_file(folder.fd(), "a").value().size(), size);
    }
    ASSERT_EQ(::truncate((folder / "a").c_str(), (4 << 20) + 1), 0);
    EXPECT_EQ(read_kernel_file(folder.fd(), "a").error().text, "a: larger than 4194304 bytes");
}

TEST(WriteKernelFile, WritesAndNamesTextAndFileWhereItCannot) {
    const Folder folder;
    write_text(folder / "a", "");
    EXPECT_TRUE(write_kernel_file(folder.fd(), "a", "max"));
    EXPECT_EQ(text_of(folder / "a"), "max");
    EXPECT_EQ(write_kernel_file(folder.fd(), "b", "x").error().text, "open b: no such file or directory");
    EXPECT_EQ(write_kernel_file(sys::here, "/dev/full", "x").error().text,
              "write \"x\" to /dev/full: no space left on device");
}

TEST(ReplaceFile, ReplacesTheTextAndSetsTheMode) {
    const Folder folder;
    write_text(folder / "a", "old and longer");
    ASSERT_TRUE(replace_file_at(folder.fd(), "a", "new", 0600));
    EXPECT_EQ(text_of(folder / "a"), "new");
    EXPECT_EQ(test::status_of_path(folder / "a").st_mode & 07777, 0600u);
    EXPECT_EQ(names_in(folder.fd()).value(), Names{"a"});
}

TEST(ReplaceFile, ReplacesASymbolicLinkAndNotWhereItLeads) {
    const Folder folder;
    write_text(folder / "victim", "precious");
    ASSERT_EQ(::symlinkat("victim", folder.fd(), "a"), 0);
    ASSERT_TRUE(replace_file_at(folder.fd(), "a", "new", 0600));
    EXPECT_EQ(text_of(folder / "victim"), "precious");
    EXPECT_TRUE(S_ISREG(test::status_of_path(folder / "a").st_mode));
}

TEST(ReplaceFile, LeavesNoTemporaryFileWhereRenameFails) {
    const Folder folder;
    ASSERT_EQ(::mkdirat(folder.fd(), "a", 0700), 0);
    EXPECT_EQ(replace_file_at(folder.fd(), "a", "new", 0600).error().err, EISDIR);
    EXPECT_EQ(names_in(folder.fd()).value(), Names{"a"});
    EXPECT_EQ(replace_file_at(folder.fd(), "missing/a", "new", 0600).error().kind, Kind::not_found);
}

TEST(ReplaceFile, LeavesNoTemporaryFileWhereWritingFails) {
    const Folder folder;
    write_text(folder / "a", "old");
    test::in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{10, 10};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        EXPECT_EQ(replace_file_at(folder.fd(), "a", std::string(20, 'x'), 0600).error().err, EFBIG);
        const rlimit wide{10, RLIM_INFINITY};
        (void)::setrlimit(RLIMIT_FSIZE, &wide);
    });
    EXPECT_EQ(text_of(folder / "a"), "old");
    EXPECT_EQ(names_in(folder.fd()).value(), Names{"a"});
}

TEST(NamesIn, AreSortedAndLeaveTheDescriptorAlone) {
    const Folder folder;
    for (const char* name : {"b", "a", ".hidden", "c"}) write_text(folder / name, "");
    for (int round = 0; round < 2; ++round)
        EXPECT_EQ(names_in(folder.fd()).value(), (Names{".hidden", "a", "b", "c"}));
}

TEST(NamesIn, RefusesAFileAndLeavesNothingOpen) {
    const Folder folder;
    write_text(folder / "a", "");
    const Fd file(::open((folder / "a").c_str(), O_RDONLY | O_CLOEXEC));
    const std::size_t before = test::open_descriptors();
    EXPECT_EQ(names_in(file.number()).error().err, ENOTDIR);
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Absolute, PutsTheWorkingDirectoryInFront) {
    const Folder folder;
    test::in_child([&] {
        ASSERT_EQ(::chdir(folder.path().c_str()), 0);
        EXPECT_EQ(absolute("x/y").value(), folder.path() + "/x/y");
        EXPECT_EQ(absolute("/x").value(), "/x");
        ASSERT_EQ(::rmdir(folder.path().c_str()), 0);
        EXPECT_EQ(absolute("x").error().text, "getcwd: no such file or directory");
    });
}

}  // namespace
}  // namespace bulkhead
