// SPDX-License-Identifier: Apache-2.0
// The trees that the host clones, and SPAWN with the real stage.
#include <linux/mount.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "namespaces/visit.hpp"
#include "runtime/meeting.hpp"
#include "runtime/record/identity.hpp"
#include "support/kernel_release.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

Result<Fd> cloned(const plan::CloneTree& wish) {
    test::Meeting meeting;
    meeting.context.host.slots.resize(1);
    TRY(meeting.apply(wish));
    return std::move(meeting.context.host.slots[0]);
}

TEST(CloneTree, HasItsAttributesBeforeAnybodySeesIt) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const Folder source;
    test::write_text(source / "f", "text");
    const auto tree = cloned({source.path(), {0}, true, {.set = MOUNT_ATTR_RDONLY}});
    ASSERT_TRUE(tree);
    EXPECT_EQ(sys::open_at(tree->number(), "f", O_WRONLY).error().err, EROFS);
    EXPECT_TRUE(sys::open_at(source.fd(), "f", O_WRONLY)) << "the host's own stays as it is";
}

TEST(CloneTree, TakesEveryAccessTime) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    const Folder source;
    for (const std::uint32_t atime : {MOUNT_ATTR_RELATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME})
        EXPECT_TRUE(cloned({source.path(), {0}, false, {.set = atime, .clear = MOUNT_ATTR__ATIME}})) << atime;
}

TEST(CloneTree, OfWhatIsMissingNamesIt) {
    NEEDS_ROOT();
    EXPECT_EQ(cloned({"/missing", {0}}).error().text, "open /missing: no such file or directory");
}

// SPAWN, and a shell that runs `script`.
plan::Timeline timeline_with(plan::Spawn spawn, const std::string& script) {
    plan::TimelineBuilder builder;
    if (!spawn.inherited.empty())
        builder.host(
            plan::OpenNamespace{.path = "", .type = 0, .slot = builder.slot(), .refused_as_own = ""});
    builder.host(std::move(spawn));
    builder.init(plan::FindProgram{builder.text("/bin/sh"), builder.texts({"/bin/sh"})});
    builder.init(plan::ReportExecution{});
    builder.init(plan::Execute{builder.texts({"sh", "-c", script}), builder.texts({"PATH=/bin:/usr/bin"}),
                               builder.pointers(4), builder.pointers(2)});
    builder.host(plan::AwaitExecution{});
    return test::finished(std::move(builder));
}

TEST(Spawn, TurnsTheChildIntoTheStageAndThatIntoTheProgram) {
    test::Meeting meeting(timeline_with({}, "exit 42"));
    ASSERT_EQ(meeting.error_of(plan::Spawn{}), "");
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    EXPECT_EQ(sys::wait_process(meeting.context.stage.process.number(), 10'000).value(), 42);
}

TEST(Spawn, HoldsTheChildBackUntilItIsPrepared) {
    const plan::Spawn spawn{.awaits_preparation = true};
    test::Meeting meeting(timeline_with(spawn, "exit 42"));
    ASSERT_EQ(meeting.error_of(spawn), "");
    EXPECT_EQ(sys::wait_readable(meeting.context.stage.report.number(), 30).value(), false);
    EXPECT_EQ(meeting.error_of(plan::SendPrepared{}), "");
    EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
    EXPECT_EQ(sys::wait_process(meeting.context.stage.process.number(), 10'000).value(), 42);
}

TEST(Spawn, ThatIsUndoneLeavesNobody) {
    const plan::Spawn spawn{.awaits_preparation = true};
    test::Meeting meeting(timeline_with(spawn, "exit 42"));
    ASSERT_EQ(meeting.error_of(spawn), "");
    meeting.undo(spawn);
    EXPECT_EQ(::waitpid(meeting.context.stage.pid, nullptr, WNOHANG), -1);
}

TEST(Spawn, BearsTheChildInJoinedNamespacesAndStaysOutside) {
    NEEDS_ROOT();
    test::in_child([] {
        Fd old = *namespaces::open_own(CLONE_NEWUTS);
        const std::string theirs = sys::link_target("/proc/self/ns/uts").value();
        ASSERT_EQ(::unshare(CLONE_NEWUTS), 0);
        const std::string ours = sys::link_target("/proc/self/ns/uts").value();
        const plan::Spawn spawn{.inherited = {{{0}, CLONE_NEWUTS}}};
        test::Meeting meeting(timeline_with(spawn, cat("test $(readlink /proc/self/ns/uts) = ", theirs)));
        meeting.context.host.slots.push_back(std::move(old));
        ASSERT_EQ(meeting.error_of(spawn), "");
        EXPECT_EQ(sys::link_target("/proc/self/ns/uts").value(), ours);
        EXPECT_EQ(meeting.error_of(plan::AwaitExecution{}), "");
        EXPECT_EQ(sys::wait_process(meeting.context.stage.process.number(), 10'000).value(), 0);
    });
}

TEST(Spawn, SaysWhereTheRuntimeHasTooFewDescriptors) {
    test::in_child([] {
        test::Meeting meeting(timeline_with({}, "exit 42"));
        const int free = ::dup(0);
        ::close(free);
        const rlimit limit{static_cast<rlim_t>(free) + 5, static_cast<rlim_t>(free) + 5};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
        EXPECT_EQ(meeting.error_of(plan::Spawn{}), cat("RLIMIT_NOFILE of the runtime is ", free + 5, ", and ",
                                                       free + 6, " descriptors are needed"));
    });
}

TEST(RecordProcess, WritesDownThePidThatIsReallyOurs) {
    const Folder folder;
    test::Meeting meeting;
    meeting.context.record.directory = Fd(::dup(folder.fd()));
    meeting.context.stage.pid = ::getpid();
    meeting.context.stage.process = sys::open_process(::getpid()).value();
    ASSERT_EQ(meeting.error_of(plan::RecordProcess{}), "");
    const State state = load(folder.fd()).value();
    EXPECT_EQ(state.pid, ::getpid());
    EXPECT_GT(state.start_time, 0u);
    EXPECT_EQ(state.pidfd_inode, pidfd_inode(meeting.context.stage.process.number()));
    EXPECT_TRUE(open_init(state));
}

}  // namespace
}  // namespace bulkhead::runtime
