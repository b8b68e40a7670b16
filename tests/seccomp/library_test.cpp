// SPDX-License-Identifier: Apache-2.0
#include "seccomp/library.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bulkhead::seccomp {
namespace {

TEST(Library, KnowsTheArchitecturesOfItsRelease) {
    const auto known = known_architectures();
    EXPECT_GE(known.size(), 19u);
    EXPECT_TRUE(std::ranges::is_sorted(known));
    EXPECT_TRUE(std::ranges::binary_search(known, std::string_view("SCMP_ARCH_X32")));
    EXPECT_EQ(std::ranges::binary_search(known, std::string_view("SCMP_ARCH_LOONGARCH64")),
              library_arch(spec::SeccompArch::loongarch64).has_value());
}

TEST(Library, AsksTheKernelForItsFlags) {
    const auto flags = supported_flags();
    if (flags.empty()) GTEST_SKIP() << "no seccomp(2) here";
    EXPECT_TRUE(std::ranges::is_sorted(flags));
    EXPECT_EQ(flags.front(), "SECCOMP_FILTER_FLAG_LOG") << "of 4.14";
}

}  // namespace
}  // namespace bulkhead::seccomp
