// SPDX-License-Identifier: Apache-2.0
// The init walker, hosted, on plans made by hand.
#include "runtime/stage/walk.hpp"

#include <cstring>

#include "base/socket.hpp"
#include "base/sys.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/planning.hpp"

namespace bulkhead {
namespace {

constexpr int handover = 100;

struct Heard {
    plan::Report report{};
    std::vector<plan::StepTime> times;
    std::size_t size = 0;
};

// The walker in a child of its own, with a socket where it reports.
class Walk {
  public:
    explicit Walk(const std::string& plan) {
        auto [host, stage] = std::move(*sys::message_pair());
        host_ = std::move(host);
        child_ = ::fork();
        if (child_ != 0) return;
        ::alarm(60);
        ::dup2(stage.number(), handover + plan::handover_report);
        std::vector<std::uint64_t> bytes((plan.size() + 7) / 8);
        std::memcpy(bytes.data(), plan.data(), plan.size());
        test::leave(stage::walk(reinterpret_cast<char*>(bytes.data()), handover));
    }
    int status() const { return test::reap(child_); }
    pid_t child() const { return child_; }
    Heard heard() const {
        std::array<char, 32 * 1024> buffer{};
        Heard heard{.size = sys::receive(host_.number(), buffer)->size};
        if (heard.size < sizeof heard.report) return heard;
        std::memcpy(&heard.report, buffer.data(), sizeof heard.report);
        heard.times.resize((heard.size - sizeof heard.report) / sizeof(plan::StepTime));
        if (!heard.times.empty())
            std::memcpy(heard.times.data(), buffer.data() + sizeof heard.report,
                        heard.times.size() * sizeof(plan::StepTime));
        return heard;
    }

  private:
    Fd host_;
    pid_t child_ = -1;
};

// SPAWN is step 0, then umask, the search, the report, and then the program.
std::string plan_of(const std::string& program, bool traced = false, plan::Fault fault = {}) {
    plan::TimelineBuilder builder;
    builder.host(plan::Spawn{0});
    builder.init(plan::SetUmask{022});
    builder.init(plan::FindProgram{builder.text(program), builder.texts({program})});
    builder.init(plan::ReportExecution{});
    builder.init(plan::Execute{builder.texts({program, "-c", "exit $((A + 1))"}), builder.texts({"A=41"}),
                               builder.pointers(4), builder.pointers(2)});
    return test::finished(std::move(builder)).flatten(traced, fault);
}

TEST(Walk, EndsInTheProgramWithItsArgumentsAndEnvironment) {
    const Walk walk(plan_of("/bin/sh"));
    EXPECT_EQ(walk.status(), 42);
    const Heard heard = walk.heard();
    EXPECT_EQ(heard.report.kind, plan::ReportKind::executing);
    EXPECT_EQ(heard.size, sizeof(plan::Report));
}

TEST(Walk, AFailingStepIsReportedWithNumberCallAndErrno) {
    const Walk walk(plan_of("/missing"));
    EXPECT_EQ(walk.status(), 1);
    const Heard heard = walk.heard();
    EXPECT_EQ(heard.report.kind, plan::ReportKind::failed);
    EXPECT_EQ(heard.report.step, 2);
    EXPECT_EQ(heard.report.error, ENOENT);
    EXPECT_EQ(heard.report.call, plan::Call::faccessat);
}

TEST(Walk, AProgramThatCannotBeExecutedIsAFailureBehindExecuting) {
    const test::Folder folder;
    test::write_text(folder / "garbage",
                     "\x7f"
                     "ELF but not really");
    ASSERT_EQ(::chmod((folder / "garbage").c_str(), 0755), 0);
    const Walk walk(plan_of(folder / "garbage"));
    EXPECT_EQ(walk.status(), 1);
    EXPECT_EQ(walk.heard().report.kind, plan::ReportKind::executing);
    const Heard heard = walk.heard();
    EXPECT_EQ(heard.report.kind, plan::ReportKind::failed);
    EXPECT_EQ(heard.report.step, 4);
    EXPECT_EQ(heard.report.error, ENOEXEC);
    EXPECT_EQ(heard.report.call, plan::Call::execve);
}

TEST(Walk, TimesAreSentWhereAskedFor) {
    const std::uint64_t begin = sys::monotonic_ns();
    const Walk walk(plan_of("/bin/sh", true));
    EXPECT_EQ(walk.status(), 42);
    const Heard heard = walk.heard();
    EXPECT_EQ(heard.report.times, 2u);
    ASSERT_EQ(heard.times.size(), 2u);
    EXPECT_EQ(heard.times[0].step, 1u);
    EXPECT_EQ(heard.times[1].step, 2u);
    EXPECT_GE(heard.times[0].ended, begin);
    EXPECT_GE(heard.times[1].ended, heard.times[0].ended);
    EXPECT_LE(heard.times[1].ended, sys::monotonic_ns());
}

TEST(Walk, TimesOfManyStepsAreBounded) {
    plan::TimelineBuilder builder;
    builder.host(plan::Spawn{0});
    for (std::size_t i = 0; i < plan::timed_steps + 10; ++i) builder.init(plan::SetUmask{022});
    builder.init(plan::FindProgram{builder.text("/bin/true"), builder.texts({"/bin/true"})});
    builder.init(plan::ReportExecution{});
    builder.init(
        plan::Execute{builder.texts({"true"}), builder.texts({}), builder.pointers(2), builder.pointers(1)});
    const Walk walk(test::finished(std::move(builder)).flatten(true, {}));
    EXPECT_EQ(walk.status(), 0);
    EXPECT_EQ(walk.heard().times.size(), plan::timed_steps);
}

TEST(Walk, FaultsAreInjectedAtTheirStep) {
    for (const int step : {1, 2, 3}) {
        const Walk walk(plan_of("/bin/sh", false, {.step = step, .action = ENOMEM}));
        EXPECT_EQ(walk.status(), 1);
        const Heard heard = walk.heard();
        EXPECT_EQ(heard.report.kind, plan::ReportKind::failed);
        EXPECT_EQ(heard.report.step, step);
        EXPECT_EQ(heard.report.error, ENOMEM);
        EXPECT_EQ(heard.report.call, plan::Call::none);
    }
    EXPECT_EQ(Walk(plan_of("/bin/sh", false, {.step = 0, .action = EPERM})).status(), 42)
        << "a step of the host";
}

TEST(Walk, AFaultAtTheProgramComesBehindTheReport) {
    const Walk walk(plan_of("/bin/sh", false, {.step = 4, .action = ENOMEM}));
    EXPECT_EQ(walk.status(), 1);
    EXPECT_EQ(walk.heard().report.kind, plan::ReportKind::executing);
    EXPECT_EQ(walk.heard().report.step, 4);
}

TEST(Walk, StandsStillAtAFaultThatKills) {
    const Walk walk(plan_of("/bin/sh", false, {.step = 2, .action = plan::Fault::killed}));
    const Heard heard = walk.heard();
    EXPECT_EQ(heard.report.kind, plan::ReportKind::at_fault);
    EXPECT_EQ(heard.report.step, 2);
    ASSERT_EQ(::kill(walk.child(), SIGKILL), 0);
    EXPECT_EQ(walk.status(), 128 + SIGKILL);
}

TEST(Walk, GivesSlotsTheirDescriptors) {
    plan::TimelineBuilder builder;
    const plan::Slot unused = builder.slot(), fifo = builder.slot();
    builder.host(plan::MakeStartFifo{unused});
    builder.host(plan::MakeStartFifo{fifo});
    builder.host(plan::Spawn{0});
    builder.init(plan::AwaitStart{fifo});
    builder.init(plan::SetRlimit{2, 1, 4});  // fails: the walk ends here
    builder.init(plan::Execute{});
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const Fd out(pipe[0]), in(pipe[1]);
    ASSERT_EQ(::dup3(out.number(), handover + plan::handover_slots + 1, O_CLOEXEC), 103);
    const Fd slot(103);
    const Walk walk(test::finished(std::move(builder)).flatten(false, {}));
    ASSERT_TRUE(sys::write(in.number(), "s"));
    EXPECT_EQ(walk.status(), 1);
    EXPECT_EQ(walk.heard().report.call, plan::Call::prlimit);
}

TEST(Walk, AnEmptyPlanIsAFailure) {
    plan::PlanHeader header{.size = sizeof(plan::PlanHeader)};
    EXPECT_EQ(Walk(std::string(reinterpret_cast<const char*>(&header), sizeof header)).status(), 1);
}

}  // namespace
}  // namespace bulkhead
