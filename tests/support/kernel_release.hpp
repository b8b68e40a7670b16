// SPDX-License-Identifier: Apache-2.0
// The kernel that the test runs on.
#pragma once

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <cstdio>

namespace bulkhead::test {

inline bool kernel_at_least(unsigned major, unsigned minor) {
    utsname names{};
    unsigned has_major = 0, has_minor = 0;
    EXPECT_EQ(::uname(&names), 0);
    EXPECT_EQ(std::sscanf(names.release, "%u.%u", &has_major, &has_minor), 2) << names.release;
    return has_major > major || (has_major == major && has_minor >= minor);
}

}  // namespace bulkhead::test

#define NEEDS_KERNEL(major, minor) \
    if (!::bulkhead::test::kernel_at_least(major, minor)) GTEST_SKIP() << "needs Linux " #major "." #minor
