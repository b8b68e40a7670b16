// SPDX-License-Identifier: Apache-2.0
#include "cgroups/resctrl/plan_resctrl.hpp"

#include "support/planning.hpp"

namespace bulkhead::cgroups {
namespace {

using test::Lines;

// The steps of a container "box".
Lines planned(const std::string& rdt) {
    plan::HostFacts host;
    host.resctrl_mount = "/r";
    const spec::ValidSpec spec = test::spec_with(cat(R"({"linux": {"intelRdt": )", rdt, "}}"));
    const auto place = rdt_place(spec, "box", host);
    if (!place || !*place) return {place ? "no place" : place.error().text};
    plan::TimelineBuilder timeline;
    plan_rdt_groups(timeline, spec, **place);
    return test::lines_of(test::finished(std::move(timeline)));
}

constexpr const char* record = "host record_rdt_group what of it is new, in state.json";

TEST(RdtPlan, WithoutClosIdIsAGroupOfTheContainersName) {
    EXPECT_EQ(planned("{}"), (Lines{"host make_rdt_group /r/box (/linux/intelRdt)", record}));
}

TEST(RdtPlan, WritesTheCacheFirstTheBandwidthThenAndTheLinesLast) {
    EXPECT_EQ(
        planned(
            R"({"schemata": ["L2:0=3", "MB:1=30"], "memBwSchema": "MB:0=20", "l3CacheSchema": "L3:0=f"})"),
        (Lines{"host make_rdt_group /r/box (/linux/intelRdt)", record,
               "host write_schemata L3:0=f (/linux/intelRdt/l3CacheSchema)",
               "host write_schemata MB:0=20 (/linux/intelRdt/memBwSchema)",
               "host write_schemata L2:0=3, MB:1=30 (/linux/intelRdt/schemata)"}));
}

TEST(RdtPlan, WithASchemaTakesOrMakesTheNamedGroup) {
    EXPECT_EQ(planned(R"({"closID": "gold", "schemata": ["L3:0=f"]})"),
              (Lines{"host make_rdt_group /r/gold (/linux/intelRdt/closID)", record,
                     "host write_schemata L3:0=f (/linux/intelRdt/schemata)"}));
}

TEST(RdtPlan, ComparesTheTwoSchemasBeforeItWritesOne) {
    EXPECT_EQ(planned(R"({"closID": "gold", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20"})"),
              (Lines{"host make_rdt_group /r/gold (/linux/intelRdt/closID)",
                     "host compare_schemata L3:0=f, if the group was there (/linux/intelRdt/l3CacheSchema)",
                     "host compare_schemata MB:0=20, if the group was there (/linux/intelRdt/memBwSchema)",
                     record, "host write_schemata L3:0=f (/linux/intelRdt/l3CacheSchema)",
                     "host write_schemata MB:0=20 (/linux/intelRdt/memBwSchema)"}));
}

TEST(RdtPlan, WithoutASchemaWantsTheNamedGroupToBeThere) {
    EXPECT_EQ(planned(R"({"closID": "gold"})"),
              (Lines{"host find_rdt_group /r/gold (/linux/intelRdt/closID)", record}));
}

TEST(RdtPlan, TakesARootForARoot) {
    EXPECT_EQ(planned(R"({"closID": "/"})"),
              (Lines{"host find_rdt_group /r (/linux/intelRdt/closID)", record}));
    EXPECT_EQ(planned(R"({"closID": "/", "l3CacheSchema": "L3:0=f", "enableMonitoring": true})"),
              (Lines{"host find_rdt_group /r (/linux/intelRdt/closID)",
                     "host compare_schemata L3:0=f, if the group was there (/linux/intelRdt/l3CacheSchema)",
                     "host make_monitoring_group /r/mon_groups/box (/linux/intelRdt/enableMonitoring)",
                     record, "host write_schemata L3:0=f (/linux/intelRdt/l3CacheSchema)"}));
}

TEST(RdtPlan, CountsTheContainerAlone) {
    EXPECT_EQ(planned(R"({"closID": "gold", "enableMonitoring": true})"),
              (Lines{"host find_rdt_group /r/gold (/linux/intelRdt/closID)",
                     "host make_monitoring_group /r/gold/mon_groups/box (/linux/intelRdt/enableMonitoring)",
                     record}));
}

TEST(RdtPlan, IsNothingWithoutTheProperty) {
    const auto place = rdt_place(test::spec_with(), "box", {});
    ASSERT_TRUE(place) << place.error().text;
    EXPECT_FALSE(*place);
}

}  // namespace
}  // namespace bulkhead::cgroups
