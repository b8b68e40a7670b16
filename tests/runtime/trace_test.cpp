// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/walk.hpp"
#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

plan::Timeline timeline() {
    plan::TimelineBuilder builder;
    builder.host(plan::RecordIntent{});
    builder.host(plan::Spawn{0});
    builder.init(plan::SetHostname{builder.text("b\x1bx")});
    builder.init(plan::Execute{});
    builder.host(plan::Publish{});
    return test::finished(std::move(builder));
}

TEST(Trace, HasBothLanesInTheOrderOfTheirEnd) {
    const std::vector<plan::StepTime> times{{.ended = 2'000'000, .step = 0},
                                            {.ended = 2'300'400, .step = 1},
                                            {.ended = 2'900'000, .step = 4},
                                            {.ended = 2'350'500, .step = 2},
                                            {.ended = 2'800'000, .step = 3}};
    EXPECT_EQ(trace_text(timeline(), times, 1'000'000),
              "  end us   took us  step  lane  verb\n"
              "  1000.0    1000.0     0  host  record_intent state.json\n"
              "  1300.4     300.4     1  host  spawn the stage in the cgroup, new namespaces: none\n"
              "  1350.5      50.1     2  init  set_hostname b\\x1bx\n"  // since SPAWN
              "  1800.0     449.5     3  init  execute \n"
              "  1900.0     599.6     4  host  publish the container exists\n");  // since the host's last
}

TEST(Trace, LeavesOutWhatIsNoStep) {
    EXPECT_EQ(trace_text(timeline(), {{.ended = 5, .step = 5}, {.ended = 5, .step = 4'000'000'000}}, 0),
              "  end us   took us  step  lane  verb\n");
}

}  // namespace
}  // namespace bulkhead::runtime
