// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <set>

#include "base/text.hpp"
#include "cgroups/group/delegation.hpp"
#include "kernel_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

constexpr uid_t somebody = 12345;

class Delegation : public testing::CgroupTest {
  protected:
    void SetUp() override {
        CgroupTest::SetUp();
        if (!IsSkipped()) made = make(root(), path).value();
    }
    int group() const { return made.fd.number(); }
    struct stat status(const std::string& name) const {
        return sys::status_at(group(), name).value();
    }
    // The files that somebody owns, "." for the directory.
    std::set<std::string> theirs() const {
        std::set<std::string> found;
        if (status(".").st_uid == somebody) found.insert(".");
        const auto names = names_in(group()).value();
        for (const std::string& name : names)
            if (status(name).st_uid == somebody) found.insert(name);
        return found;
    }
    // What the kernel wants to be given, as far as it is there.
    std::set<std::string> delegable() const {
        std::set<std::string> expected{"."};
        const std::string list = read_kernel_file(sys::here, "/sys/kernel/cgroup/delegate").value();
        for (const std::string_view name : split(list, '\n'))
            if (!name.empty() && sys::status_at(group(), std::string(name))) expected.emplace(name);
        return expected;
    }

    Made made;
};

TEST_F(Delegation, IsOfTheDirectoryAndOfWhatTheKernelNames) {
    ASSERT_TRUE(delegate(group(), somebody));
    EXPECT_EQ(theirs(), delegable());
    EXPECT_TRUE(theirs().contains("cgroup.procs"));
    EXPECT_TRUE(theirs().contains("cgroup.subtree_control"));
    for (const char* file : {"cgroup.freeze", "cgroup.max.depth", "cgroup.events"})
        EXPECT_EQ(status(file).st_uid, 0u) << file;
    EXPECT_EQ(status(".").st_gid, 0u) << "the group stays";
}

// config-linux.md: the list to fall back to. An older kernel is made of an empty directory where the list is.
TEST_F(Delegation, WithoutTheKernelsListIsOfThreeFiles) {
    EXPECT_EQ(testing::in_child([&] {
                  if (::unshare(CLONE_NEWNS) != 0) return 1;
                  if (::mount("", "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0) return 2;
                  if (::mount("none", "/sys/kernel/cgroup", "tmpfs", 0, nullptr) != 0) return 3;
                  return delegate(group(), somebody) ? 0 : 4;
              }),
              0);
    EXPECT_EQ(theirs(),
              (std::set<std::string>{".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}));
}

TEST_F(Delegation, IsTakenBack) {
    ASSERT_TRUE(delegate(group(), somebody));
    ASSERT_TRUE(delegate(group(), 0));
    EXPECT_EQ(theirs(), std::set<std::string>{});
}

// memory.oom.group, where the memory controller is elsewhere.
TEST_F(Delegation, OfAFileThatIsNotThereIsNoError) {
    if (delegable().contains("memory.reclaim")) GTEST_SKIP() << "every file of the list is there";
    EXPECT_TRUE(delegate(group(), somebody));
}

TEST_F(Delegation, LetsTheOwnerMakeCgroupsAndMoveAboutInside) {
    ASSERT_TRUE(delegate(group(), somebody));
    EXPECT_EQ(testing::in_child([&] {
                  if (!write_kernel_file(group(), "cgroup.procs", "0")) return 1;
                  if (::setresuid(somebody, somebody, somebody) != 0) return 2;
                  if (!sys::make_directory_at(group(), "below", 0755)) return 3;
                  if (!write_kernel_file(group(), "below/cgroup.procs", "0")) return 4;
                  if (write_kernel_file(group(), "cgroup.freeze", "0")) return 5;
                  if (write_kernel_file(group(), "cgroup.max.depth", "7")) return 6;
                  return 0;
              }),
              0);
}

TEST_F(Delegation, NeedsThePrivilege) {
    EXPECT_EQ(testing::in_child([&] {
                  if (::setresuid(somebody, somebody, somebody) != 0) return 1;
                  const auto done = delegate(group(), somebody);
                  return !done && done.error().kind == Kind::denied ? 0 : 2;
              }),
              0);
}

}  // namespace
}  // namespace bulkhead::cgroups
