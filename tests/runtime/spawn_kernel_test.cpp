// SPDX-License-Identifier: Apache-2.0
// The trees that the host clones. SPAWN itself is walked by tests/integration and tests/faults.
#include <linux/mount.h>

#include "runtime/workshop.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

Result<Fd> cloned(const plan::CloneTree& wish) {
    test::Meeting meeting;
    meeting.workshop.slots.resize(1);
    TRY(apply(meeting.workshop, StepContext{meeting.timeline, 0}, wish));
    return std::move(meeting.workshop.slots[0]);
}

TEST(CloneTree, HasItsAttributesBeforeAnybodySeesIt) {
    NEEDS_ROOT();
    const Folder source;
    test::write_text(source / "f", "text");
    const auto tree = cloned({source.path(), {0}, true, MOUNT_ATTR_RDONLY, 0});
    ASSERT_TRUE(tree);
    EXPECT_EQ(sys::open_at(tree->number(), "f", O_WRONLY).error().err, EROFS);
    EXPECT_TRUE(sys::open_at(source.fd(), "f", O_WRONLY)) << "the host's own stays as it is";
}

TEST(CloneTree, TakesEveryAccessTime) {
    NEEDS_ROOT();
    const Folder source;
    for (const std::uint64_t atime : {MOUNT_ATTR_RELATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME})
        EXPECT_TRUE(cloned({source.path(), {0}, false, atime, MOUNT_ATTR__ATIME})) << atime;
}

TEST(CloneTree, OfWhatIsMissingNamesIt) {
    NEEDS_ROOT();
    EXPECT_EQ(cloned({"/missing", {0}, false, 0, 0}).error().text,
              "open /missing: no such file or directory");
}

TEST(RecordProcess, WritesDownThePidThatIsReallyOurs) {
    const Folder folder;
    test::Meeting meeting;
    meeting.workshop.directory = Fd(::dup(folder.fd()));
    meeting.workshop.state.pid = ::getpid();
    ASSERT_EQ(meeting.error_of(plan::RecordProcess{}), "");
    const State state = load(folder.fd()).value();
    EXPECT_EQ(state.pid, ::getpid());
    EXPECT_GT(state.start_time, 0u);
}

}  // namespace
}  // namespace bulkhead::runtime
