// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/probe.hpp"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

TEST(Probe, SaysWhatTheKernelSays) {
    const auto facts = probe();
    if (!facts && facts.error().kind == Kind::unsupported) GTEST_SKIP() << facts.error().text;
    ASSERT_TRUE(facts) << facts.error().text;
    utsname names{};
    ::uname(&names);
    EXPECT_TRUE(std::string(names.release).starts_with(cat(facts->kernel_major, '.', facts->kernel_minor)));
    EXPECT_EQ(cat(facts->last_capability, '\n'), test::text_of("/proc/sys/kernel/cap_last_cap"));
    EXPECT_TRUE(test::is_there(facts->cgroup_mount + "/cgroup.procs"));
    EXPECT_TRUE(facts->own_cgroup.starts_with("/"));
}

TEST(HostFacts, ReleasesAreComparedByBothNumbers) {
    const plan::HostFacts facts{.kernel_major = 6, .kernel_minor = 1};
    EXPECT_TRUE(facts.kernel_at_least(6, 1));
    EXPECT_TRUE(facts.kernel_at_least(5, 19));
    EXPECT_FALSE(facts.kernel_at_least(6, 2));
    EXPECT_FALSE(facts.kernel_at_least(7, 0));
}

}  // namespace
}  // namespace bulkhead::runtime
