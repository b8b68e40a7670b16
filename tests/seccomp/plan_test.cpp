// SPDX-License-Identifier: Apache-2.0
#include "seccomp/plan.hpp"

#include "support/planning.hpp"

namespace bulkhead::seccomp {
namespace {

using test::Lines;

Program small() {
    return {.instructions = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4}, {BPF_RET | BPF_K, 1, 2, SECCOMP_RET_ALLOW}},
            .flags = SECCOMP_FILTER_FLAG_LOG};
}

// A timeline around what `planner` appends.
template <class Planner>
plan::Timeline planned(Planner planner) {
    plan::TimelineBuilder builder;
    const plan::Slot slot = builder.slot();
    builder.host(plan::MakeHandshake{slot});
    builder.host(plan::Spawn{});
    planner(builder, slot);
    builder.init(plan::Execute{});
    return test::finished(std::move(builder));
}

TEST(PlanFilter, IsOneStepWithTheProgramAsItIs) {
    const plan::Timeline timeline = planned([](auto& builder, plan::Slot) { plan_filter(builder, small()); });
    EXPECT_EQ(test::lines_of(timeline).at(2), "init load_seccomp 2 instructions, flags 0x2 (/linux/seccomp)");
    const auto op = test::ops_of<plan::LoadSeccomp>(timeline).at(0);
    EXPECT_EQ(op.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER, 0u);
    ASSERT_EQ(op.program.count, 4u) << "two numbers an instruction";
    EXPECT_EQ(std::memcmp(timeline.arena().numbers(op.program), small().instructions.data(), 16), 0);
}

TEST(PlanListener, IsDeliveredBeforeTheStageGoesOn) {
    const spec::Seccomp profile{.listener_path = "/run/agent", .listener_metadata = "some"};
    const plan::Timeline timeline = planned([&](auto& builder, plan::Slot slot) {
        plan_handshake(builder, slot);
        plan_listener(builder, small(), profile);
    });
    const Lines all = test::lines_of(timeline);
    EXPECT_EQ(Lines(all.begin() + 2, all.end() - 1),
              (Lines{"init map_handshake for the seccomp listener (/linux/seccomp)",
                     "init report_listener its number, to the host (/linux/seccomp/listenerPath)",
                     "init load_seccomp 2 instructions, flags 0xa (/linux/seccomp)",
                     "host deliver_listener of seccomp to /run/agent (/linux/seccomp/listenerPath)",
                     "init await_delivery of the seccomp listener (/linux/seccomp/listenerPath)"}));
    const auto& deliver = std::get<plan::DeliverListener>(std::get<plan::HostOp>(timeline.steps().at(5).op));
    EXPECT_EQ(deliver.metadata, "some");
}

TEST(PlanFilter, OfTheLargestProgramKeepsItsSize) {
    Program program;
    program.instructions.assign(BPF_MAXINSNS, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    const plan::Timeline timeline =
        planned([&](auto& builder, plan::Slot) { plan_filter(builder, program); });
    EXPECT_EQ(test::ops_of<plan::LoadSeccomp>(timeline).at(0).program.count, 2u * BPF_MAXINSNS);
}

TEST(CheckFlags, NamesTheOneThatTheKernelDoesNotHave) {
    const spec::Seccomp waits{.flags =
                                  std::vector{spec::SeccompFlag::log, spec::SeccompFlag::wait_killable_recv}};
    const auto refused = check_flags(waits, {.kernel_major = 5, .kernel_minor = 18});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::unsupported);
    EXPECT_EQ(
        refused.error().text,
        "config.json: /linux/seccomp/flags/1: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19, and "
        "this is 5.18");
    EXPECT_TRUE(check_flags(waits, {.kernel_major = 5, .kernel_minor = 19}));
    EXPECT_TRUE(check_flags({.flags = std::vector{spec::SeccompFlag::log}}, {.kernel_major = 5}));
    EXPECT_TRUE(check_flags({}, {.kernel_major = 5}));
}

}  // namespace
}  // namespace bulkhead::seccomp
