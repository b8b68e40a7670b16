// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "process/init_ops.hpp"

namespace bulkhead::process {
namespace {

using test::fails;
using test::in_child;
using test::Stage;
using test::succeeded;

plan::Outcome schedule(const plan::SetScheduler& op) {
    Stage stage;
    return apply(stage.context, op);
}

std::size_t cpus_of_this_process() {
    cpu_set_t set;
    EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    return static_cast<std::size_t>(CPU_COUNT(&set));
}

TEST(SetAffinity, ConfinesToTheMaskAndOpensUpAgain) {
    in_child([] {
        const std::size_t all = cpus_of_this_process();
        if (all < 2) GTEST_SKIP() << "needs two CPUs";
        cpu_set_t set;
        ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
        std::vector<std::uint32_t> first(2);
        for (unsigned cpu = 0; cpu < 64 && first == std::vector<std::uint32_t>(2); ++cpu)
            if (CPU_ISSET(cpu, &set)) first[cpu / 32] = 1u << (cpu % 32);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetAffinity{stage.numbers(first)})));
        EXPECT_EQ(cpus_of_this_process(), 1u);
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetAffinity{})));
        EXPECT_EQ(cpus_of_this_process(), all);
    });
}

TEST(SetAffinity, ToNoCpuOfThisMachineIsRefused) {
    in_child([] {
        Stage stage;
        std::vector<std::uint32_t> far(256);
        far.back() = 0x80000000;
        EXPECT_TRUE(fails(apply(stage.context, plan::SetAffinity{stage.numbers(far)}), EINVAL,
                          plan::Call::sched_setaffinity));
    });
}

TEST(SetScheduler, SetsPolicyAndNice) {
    in_child([] {
        ASSERT_TRUE(succeeded(schedule({.policy = SCHED_BATCH, .nice = 5})));
        EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
        EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 5);
        ASSERT_TRUE(succeeded(schedule({.policy = SCHED_IDLE})));
        EXPECT_EQ(::sched_getscheduler(0), SCHED_IDLE);
    });
}

TEST(SetScheduler, SetsRealtimePriorityAndFlags) {
    NEEDS_ROOT();
    in_child([] {
        constexpr std::uint64_t reset_on_fork = 1;
        const plan::Outcome done = schedule({.policy = SCHED_FIFO, .priority = 7, .flags = reset_on_fork});
        if (done.error == EPERM) GTEST_SKIP() << "this machine grants no real-time scheduling";
        ASSERT_TRUE(succeeded(done));
        sched_param parameters{};
        ASSERT_EQ(::sched_getparam(0, &parameters), 0);
        EXPECT_EQ(::sched_getscheduler(0), SCHED_FIFO | SCHED_RESET_ON_FORK);
        EXPECT_EQ(parameters.sched_priority, 7);
    });
}

TEST(SetScheduler, TakesADeadline) {
    NEEDS_ROOT();
    in_child([] {
        const plan::Outcome done =
            schedule({.policy = 6, .runtime = 1'000'000, .deadline = 10'000'000, .period = 20'000'000});
        if (done.error == EPERM || done.error == EBUSY)
            GTEST_SKIP() << "this machine grants no deadline scheduling";
        ASSERT_TRUE(succeeded(done));
        EXPECT_EQ(::sched_getscheduler(0), 6);
    });
}

TEST(SetScheduler, SaysWhatTheKernelSays) {
    in_child([] {
        EXPECT_TRUE(fails(schedule({.policy = 99}), EINVAL, plan::Call::sched_setattr));
        EXPECT_TRUE(
            fails(schedule({.policy = SCHED_FIFO, .priority = 0}), EINVAL, plan::Call::sched_setattr));
        EXPECT_TRUE(
            fails(schedule({.policy = 6, .runtime = 2, .deadline = 1}), EINVAL, plan::Call::sched_setattr));
    });
}

TEST(SetScheduler, WithoutPrivilegeIsRefused) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        EXPECT_TRUE(fails(schedule({.policy = SCHED_FIFO, .priority = 1}), EPERM, plan::Call::sched_setattr));
    });
}

TEST(SetIoPriority, IsThatOfTheWholeGroup) {
    in_child([] {
        ASSERT_EQ(::setpgid(0, 0), 0);
        constexpr std::uint32_t best_effort_6 = 2u << 13 | 6;
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetIoPriority{best_effort_6})));
        EXPECT_EQ(::syscall(SYS_ioprio_get, 1, 0), long{best_effort_6});
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetIoPriority{7u << 13}), EINVAL, plan::Call::ioprio_set));
    });
}

TEST(SetIoPriority, OfTheRealtimeClassNeedsPrivilege) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::setpgid(0, 0), 0);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetIoPriority{1u << 13 | 4})));
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetIoPriority{1u << 13}), EPERM, plan::Call::ioprio_set));
    });
}

// What get_mempolicy(2) says of this process.
struct Policy {
    int mode = -1;
    unsigned long nodes[16] = {};  // as many as a kernel of Debian has
};

Policy policy() {
    Policy found;
    EXPECT_EQ(::syscall(SYS_get_mempolicy, &found.mode, found.nodes, 8 * sizeof found.nodes, nullptr, 0), 0);
    return found;
}

TEST(SetMemoryPolicy, IsModeFlagsAndNodes) {
    in_child([] {
        Stage stage;
        constexpr std::uint32_t bind_static = 0x8002;
        const plan::Numbers node_0 = stage.numbers({1, 0});
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetMemoryPolicy{bind_static, node_0})));
        EXPECT_EQ(policy().mode, int{bind_static});
        EXPECT_EQ(policy().nodes[0], 1u);
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetMemoryPolicy{0, {}})));
        EXPECT_EQ(policy().mode, 0);
        EXPECT_EQ(policy().nodes[0], 0u);
    });
}

// The kernel reads one bit less than it is told. It refuses a number that no node can have, beside one that
// is there as well: so it has read all that a page has.
TEST(SetMemoryPolicy, OfANodeThatCannotBeIsRefused) {
    in_child([] {
        Stage stage;
        constexpr std::uint32_t bind = 2;
        std::vector<std::uint32_t> page(1024);
        page.front() = 1;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::SetMemoryPolicy{bind, stage.numbers(page)})));
        page.back() = 1u << 31;
        EXPECT_TRUE(fails(apply(stage.context, plan::SetMemoryPolicy{bind, stage.numbers(page)}), EINVAL,
                          plan::Call::set_mempolicy));
    });
}

TEST(SetPersonality, IsTheDomain) {
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetPersonality{PER_LINUX32})));
        EXPECT_EQ(::personality(0xffffffff), PER_LINUX32);
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetPersonality{PER_LINUX})));
        EXPECT_EQ(::personality(0xffffffff), PER_LINUX);
    });
}

}  // namespace
}  // namespace bulkhead::process
