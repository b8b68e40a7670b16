// SPDX-License-Identifier: Apache-2.0
// The numbers of a real cgroup, with whatever controllers this machine gives it.
#include <poll.h>

#include <ctime>

#include "base/waiting.hpp"
#include "cgroups/statistics/stats.hpp"
#include "kernel_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

class Statistics : public testing::CgroupTest {};

TEST_F(Statistics, CountTimeAndProcesses) {
    const auto made = make(root(), path).value();
    EXPECT_EQ(read_stats(made.fd.number())->pids.current, 0u);
    start_in(made.fd.number(), [] {
        while (std::clock() < CLOCKS_PER_SEC / 5) {  // of this process: a busy machine takes longer
        }
    });
    start_in(make(root(), path + "/below").value().fd.number());
    std::uint64_t usage = 0;
    for (int round = 0; round < 6000 && usage < 50'000'000; ++round) {
        sys::pause(10);
        usage = read_stats(made.fd.number())->cpu.usage;
    }
    const Stats stats = read_stats(made.fd.number()).value();
    EXPECT_GE(usage, 50'000'000u);
    EXPECT_NEAR(static_cast<double>(stats.cpu.usage), static_cast<double>(stats.cpu.user + stats.cpu.system),
                2000.0);
    EXPECT_EQ(stats.pids.current, 2u);
    EXPECT_EQ(stats.pids.limit, unlimited);
}

TEST_F(Statistics, ARemovedOneHasNone) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(cgroups::remove(root(), path, 0));
    const auto stats = read_stats(made.fd.number());
    EXPECT_TRUE(!stats || stats->cpu.usage == 0);
}

TEST_F(Statistics, OomEventsNeedTheMemoryController) {
    const auto made = make(root(), path).value();
    const auto events = OomEvents::open(made.fd.number());
    if (!events) {
        EXPECT_EQ(events.error().kind, Kind::not_found);
        return;
    }
    EXPECT_EQ(events->kills().value(), 0u);
    pollfd entry{events->number(), POLLPRI, 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 0) << "there is no change, and yet poll does not sleep";
    ASSERT_TRUE(cgroups::remove(root(), path, 0));
    EXPECT_EQ(events->kills().error().err, ENODEV);
}

}  // namespace
}  // namespace bulkhead::cgroups
