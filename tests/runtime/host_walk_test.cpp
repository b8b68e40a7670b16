// SPDX-License-Identifier: Apache-2.0
// The host walker: order, names of errors, undo, faults, times.
#include <signal.h>

#include "base/files.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/meeting.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;
using Names = std::vector<std::string>;

// A creation that stops before its first process.
plan::Timeline creation(const Folder& folder) {
    plan::TimelineBuilder builder;
    builder.host(plan::MakeStateDirectory{folder / "box"});
    builder.host(plan::RecordIntent{});
    builder.host(plan::MakeStartFifo{builder.slot()}, "/x/y");
    builder.host(plan::WritePidFile{folder / "pid"});
    builder.host(plan::Publish{});
    return test::finished(std::move(builder));
}

Names entries(const std::string& path) {
    const Fd directory = std::move(*sys::open(path, O_RDONLY | O_DIRECTORY));
    return names_in(directory.number()).value();
}

TEST(Run, WalksTheHostLane) {
    const Folder folder;
    ExecutionContext context;
    context.stage.pid = 77;
    ASSERT_TRUE(walk(creation(folder), context));
    EXPECT_EQ(entries(folder / "box"), (Names{"config.json", "exec.fifo", "state.json"}));
    EXPECT_EQ(test::text_of(folder / "pid"), "77");
    EXPECT_EQ(test::status_of_path(folder / "box").st_mode & 07777, 0700u);
    EXPECT_TRUE(context.walk.times.empty());
}

TEST(Run, TimesEachStepWhereAskedFor) {
    const Folder folder;
    ExecutionContext context;
    context.walk.traced = true;
    ASSERT_TRUE(walk(creation(folder), context));
    ASSERT_EQ(context.walk.times.size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(context.walk.times[i].step, i);
    EXPECT_LE(context.walk.times[0].ended, context.walk.times[4].ended);
}

TEST(Run, AFaultAtAnyStepLeavesNothing) {
    const Folder folder;
    const plan::Timeline timeline = creation(folder);
    for (std::size_t step = 0; step < timeline.steps().size(); ++step) {
        const std::size_t before = test::open_descriptors();
        {
            ExecutionContext context;
            context.walk.fault = {.step = static_cast<int>(step), .action = ENOSPC};
            const auto failed = walk(timeline, context);
            ASSERT_FALSE(failed) << step;
            EXPECT_EQ(failed.error().err, ENOSPC);
        }
        EXPECT_EQ(entries(folder.path()), Names{}) << step;
        EXPECT_EQ(test::open_descriptors(), before);
    }
}

TEST(Run, AnErrorNamesItsStepAndProperty) {
    const Folder folder;
    ExecutionContext context;
    context.walk.fault = {.step = 2, .action = EPERM};
    EXPECT_EQ(walk(creation(folder), context).error().text,
              "make_start_fifo exec.fifo (/x/y): injected fault: operation not permitted");
}

TEST(Run, OfTwoCreatorsOneIsTooLate) {
    const Folder folder;
    ExecutionContext first, second;
    ASSERT_TRUE(walk(creation(folder), first));
    const auto refused = walk(creation(folder), second);
    EXPECT_EQ(refused.error().kind, Kind::exists);
    EXPECT_EQ(refused.error().text,
              cat("make_state_directory ", folder / "box", ": container with given ID already exists"));
    EXPECT_EQ(entries(folder / "box"), (Names{"config.json", "exec.fifo", "state.json"}))
        << "the first one's stays";
}

TEST(Run, ARuntimeKilledAtAStepLeavesTheRecord) {
    const Folder folder;
    const pid_t child = ::fork();
    if (child == 0) {
        ExecutionContext context;
        context.walk.fault = {.step = 3, .action = plan::Fault::killed};
        (void)walk(creation(folder), context);
        ::_exit(0);
    }
    EXPECT_EQ(test::reap(child), 128 + SIGKILL);
    EXPECT_EQ(entries(folder / "box"), (Names{"config.json", "creating", "exec.fifo", "state.json"}));
}

TEST(Start, ReleasesInitOnce) {
    const Folder folder;
    ExecutionContext context;
    ASSERT_TRUE(walk(creation(folder), context));
    const Fd reader = std::move(context.host.slots.at(0));
    ASSERT_TRUE(walk(compile_start().value(), context));
    std::array<char, 4> buffer{};
    EXPECT_EQ(sys::read(reader.number(), buffer).value(), 1u);
    EXPECT_EQ(entries(folder / "box"), (Names{"config.json", "state.json"}));
    EXPECT_EQ(walk(compile_start().value(), context).error().text,
              "release_init by the exec fifo: open exec.fifo: no such file or directory");
}

TEST(Removal, TakesEverythingOfOursAndCanBeRepeated) {
    const Folder folder;
    ExecutionContext context;
    ASSERT_TRUE(walk(creation(folder), context));
    const plan::Timeline removal = compile_removal(folder / "box", false).value();
    ASSERT_TRUE(walk(removal, context));
    EXPECT_EQ(entries(folder.path()), Names{"pid"});
    EXPECT_TRUE(walk(removal, context));
}

}  // namespace
}  // namespace bulkhead::runtime
