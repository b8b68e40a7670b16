// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include "base/sys.hpp"
#include "runtime/meeting.hpp"
#include "runtime/steps/mapped_root.hpp"

namespace bulkhead::runtime {
namespace {

const plan::IdMaps maps{"0 100000 10\n", "0 100000 10\n"};

// Where root may have those ids mapped, in a mount namespace of the test's own.
class MappedRoot : public ::testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        if (::access("/usr/bin/newuidmap", X_OK) != 0) GTEST_SKIP() << "the package uidmap is not installed";
    }
    void where_ids_are_given(const std::function<void()>& body) {
        test::in_namespaces(CLONE_NEWNS, [&] {
            const test::Folder folder;
            test::write_text(folder / "ids", "root:100000:10\n");
            for (const char* file : {"/etc/subuid", "/etc/subgid"})
                ASSERT_EQ(::mount((folder / "ids").c_str(), file, nullptr, MS_BIND, nullptr), 0);
            body();
        });
    }
};

TEST_F(MappedRoot, HasPowerOverTheMappedIdsAndNoOthers) {
    where_ids_are_given([&] {
        const test::Folder folder;
        ::chmod(folder.path().c_str(), 0755);
        for (const auto& [name, owner] : {std::pair{"theirs", 100005u}, std::pair{"other", 100010u}}) {
            ASSERT_EQ(::mkdir((folder / name).c_str(), 0700), 0);
            ASSERT_EQ(::mkdir((folder / name + "/x").c_str(), 0700), 0);
            ASSERT_EQ(::chown((folder / name).c_str(), owner, owner), 0);
        }
        const auto remove = [&](const char* name) {
            return as_mapped_root(maps,
                                  [&] { return sys::remove_at(folder.fd(), cat(name, "/x"), AT_REMOVEDIR); });
        };
        EXPECT_TRUE(remove("theirs"));
        EXPECT_FALSE(test::is_there(folder / "theirs/x"));
        const auto other = remove("other");
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().err, EACCES);
        EXPECT_EQ(other.error().kind, Kind::denied);
        EXPECT_EQ(other.error().text, "unlink other/x: permission denied");
    });
}

TEST_F(MappedRoot, WhatItDoesToItselfIsTheChilds) {
    where_ids_are_given([&] {
        int value = 1;
        ASSERT_TRUE(as_mapped_root(maps, [&]() -> Result<> {
            value = 2;
            return {};
        }));
        EXPECT_EQ(value, 1);
    });
}

TEST_F(MappedRoot, TellsWhyThereIsNone) {
    where_ids_are_given([&] {
        const auto done = as_mapped_root({"nonsense\n", ""}, [] { return Result<>(); });
        ASSERT_FALSE(done);
        EXPECT_TRUE(done.error().text.starts_with("/usr/bin/newuidmap: ")) << done.error().text;
    });
}

TEST_F(MappedRoot, AChildThatDiesIsAnError) {
    where_ids_are_given([&] {
        const auto done = as_mapped_root(maps, []() -> Result<> { ::_exit(7); });
        ASSERT_FALSE(done);
        EXPECT_NE(done.error().text.find("ended with 7"), std::string::npos) << done.error().text;
    });
}

TEST_F(MappedRoot, LeavesNoDescriptorAndNoChild) {
    where_ids_are_given([&] {
        const std::size_t before = test::open_descriptors();
        for (int round = 0; round < 3; ++round) ASSERT_TRUE(as_mapped_root(maps, [] { return Result<>(); }));
        EXPECT_EQ(test::open_descriptors(), before);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child";
    });
}

}  // namespace
}  // namespace bulkhead::runtime
