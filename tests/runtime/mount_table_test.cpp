// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/mount_table.hpp"

#include <gtest/gtest.h>

namespace bulkhead::runtime {
namespace {

using Points = std::vector<std::string>;

TEST(KernelMounts, AreThoseOfProcfsAndSysfs) {
    const auto found = kernel_mounts(
        "22 27 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        "23 27 0:22 / /proc rw,nosuid - proc proc rw\n"
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
        "30 27 0:23 / /x rw master:1 propagate_from:2 - tmpfs proc rw\n"
        "31 27 0:22 /sys /a\\040b\\134/\\011c rw shared:1 master:2 - proc none rw\n"
        "32 27 0:22 / /proc rw - proc proc rw\n");
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(*found, (Points{"/sys", "/proc", "/a b\\/\tc", "/proc"}));
}

TEST(KernelMounts, OfNothing) { EXPECT_EQ(kernel_mounts("").value(), Points{}); }

TEST(KernelMounts, ALineThatIsNoneIsAnError) {
    for (const char* line :
         {"x", "22 27 0:21 / /sys rw sysfs sysfs rw", "22 27 0:21 / /sys rw -", "1 2 3 4 5 -"})
        EXPECT_FALSE(kernel_mounts(line)) << line;
}

// A name may look like the dash.
TEST(KernelMounts, APointMayBeCalledAnything) {
    EXPECT_EQ(kernel_mounts("22 27 0:21 - - - - proc proc rw\n").value(), Points{"-"});
    EXPECT_EQ(kernel_mounts("22 27 0:21 / /\\9\\04 rw - proc proc rw\n").value(), Points{"/\\9\\04"});
}

}  // namespace
}  // namespace bulkhead::runtime
