// SPDX-License-Identifier: Apache-2.0
// MarkDescriptors: one call, or one by one (before 5.11). tests/vm has a kernel for each.
#include <fcntl.h>
#include <sys/resource.h>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "runtime/stage/stage_ops.hpp"

namespace bulkhead::stage {
namespace {

using test::in_child;
using test::Stage;
using test::succeeded;

TEST(MarkDescriptors, FromTheFirstOn) {
    in_child([] {
        for (const int fd : {50, 51, 900}) ASSERT_EQ(::dup2(1, fd), fd);
        const std::size_t before = test::open_descriptors();
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::MarkDescriptors{51})));
        EXPECT_FALSE(test::closes_on_exec(50));
        EXPECT_TRUE(test::closes_on_exec(51));
        EXPECT_TRUE(test::closes_on_exec(900));
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

// Opened before the limit was lowered.
TEST(MarkDescriptors, BeyondTheLimitAndInGreatNumber) {
    in_child([] {
        for (int fd = 100; fd < 600; ++fd) ASSERT_EQ(::dup2(1, fd), fd);
        const rlimit few{64, 64};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::MarkDescriptors{3})));
        for (int fd = 100; fd < 600; ++fd) ASSERT_TRUE(test::closes_on_exec(fd)) << fd;
    });
}

}  // namespace
}  // namespace bulkhead::stage
