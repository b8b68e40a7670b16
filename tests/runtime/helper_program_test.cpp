// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/helper_program.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

void make_file(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    test::write_text(path, "");
    ::chmod(path.c_str(), 0755);
}

// A machine on which bulkhead lies in sbin, and its helper where `helper` says.
class HelperProgram : public ::testing::Test {
  protected:
    void SetUp() override { make_file(binary); }

    std::string error() const {
        const auto found = helper_of(binary);
        return found ? "" : found.error().text;
    }

    const test::Folder machine;
    const std::string binary = machine / "sbin/bulkhead";
    const std::string installed = machine / "libexec/bulkhead/host-helper";
    const std::string built = machine / "sbin/libexec/bulkhead/host-helper";
};

TEST_F(HelperProgram, IsFoundWhereBothAreInstalled) {
    make_file(installed);
    EXPECT_EQ(helper_of(binary).value(), installed);
    make_file(built);
    EXPECT_EQ(helper_of(binary).value(), installed) << "the installed one goes before that of a build tree";
}

TEST_F(HelperProgram, IsFoundBesideTheBinaryOfABuildTree) {
    make_file(built);
    EXPECT_EQ(helper_of(binary).value(), built);
}

TEST_F(HelperProgram, IsThatOfASuccessorWhereTheBinaryWasReplaced) {
    make_file(installed);
    EXPECT_EQ(helper_of(binary + " (deleted)").value(), installed);
}

TEST_F(HelperProgram, ThatIsNowhereIsMissedWhereItIsInstalled) {
    EXPECT_EQ(error(), "stat " + installed + ": no such file or directory");
}

TEST_F(HelperProgram, IsNotRunWhereOthersMayWrite) {
    make_file(installed);
    make_file(built);
    for (const char* part : {"", "libexec", "libexec/bulkhead", "libexec/bulkhead/host-helper"})
        for (const mode_t bit : {0020U, 0002U}) {
            const std::string path = *part == '\0' ? machine.path() : machine / part;
            ::chmod(path.c_str(), 0755 | bit);
            EXPECT_EQ(error(), path + ": not the program's owner's alone, so nothing there is run");
            ::chmod(path.c_str(), 0755);
        }
    EXPECT_TRUE(helper_of(binary));
}

TEST_F(HelperProgram, IsNotRunBehindALink) {
    make_file(machine / "elsewhere/bulkhead/host-helper");
    ASSERT_EQ(::symlink("elsewhere", (machine / "libexec").c_str()), 0);
    EXPECT_EQ(error(), machine / "libexec" + ": not the program's owner's alone, so nothing there is run");
}

TEST_F(HelperProgram, OfSomebodyElseIsNotRun) {
    if (::geteuid() != 0) GTEST_SKIP() << "giving files away needs root";
    make_file(built);
    for (const char* part :
         {"sbin", "sbin/libexec", "sbin/libexec/bulkhead", "sbin/libexec/bulkhead/host-helper"}) {
        ASSERT_EQ(::chown((machine / part).c_str(), 12345, 0), 0);
        EXPECT_EQ(error(), machine / part + ": not the program's owner's alone, so nothing there is run");
        ASSERT_EQ(::chown((machine / part).c_str(), 0, 0), 0);
    }
    EXPECT_TRUE(helper_of(binary));
}

}  // namespace
}  // namespace bulkhead::runtime
