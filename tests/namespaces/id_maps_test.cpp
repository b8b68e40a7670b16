// SPDX-License-Identifier: Apache-2.0
#include "namespaces/id_maps.hpp"

#include <gtest/gtest.h>

namespace bulkhead::namespaces {
namespace {

const Mappings full{{0, 100000, 65536}};
const Mappings own{{0, 1000, 1}};

TEST(MapText, IsALineEach) {
    EXPECT_EQ(map_text({}), "");
    EXPECT_EQ(map_text({{0, 1000, 1}, {1, 100000, 65536}}), "0 1000 1\n1 100000 65536\n");
}

TEST(InnerIds, AreRootWhereItIsMappedAndElseTheFirst) {
    EXPECT_EQ(inner_ids(full, full).uid, 0u);
    EXPECT_EQ(inner_ids({{5, 1, 1}, {0, 2, 1}}, full).uid, 0u) << "wherever it is in the list";
    const plan::InnerIds ids = inner_ids({{7, 1000, 1}}, {{8, 1000, 1}});
    EXPECT_EQ(ids.uid, 7u);
    EXPECT_EQ(ids.gid, 8u);
    EXPECT_EQ(inner_ids({}, {}).uid, 0u);
}

TEST(WritesAlone, WhoMapsItsOwnIdsAndNoOthers) {
    EXPECT_TRUE(writes_alone(own, own, 1000, 1000));
    EXPECT_TRUE(writes_alone({{1000, 1000, 1}}, own, 1000, 1000)) << "as whom is one's own choice";
    EXPECT_FALSE(writes_alone(own, own, 1001, 1000));
    EXPECT_FALSE(writes_alone(own, own, 1000, 1001));
    EXPECT_FALSE(writes_alone({{0, 1000, 2}}, own, 1000, 1000));
    EXPECT_FALSE(writes_alone({{0, 1000, 1}, {1, 100000, 10}}, own, 1000, 1000));
    EXPECT_FALSE(writes_alone({}, {}, 0, 0));
}

// The one step that the maps become, or why there is none.
Result<plan::WriteIdMaps> planned(const Mappings& uids, const Mappings& gids, const plan::HostFacts& host) {
    spec::Linux linux;
    linux.uid_mappings = uids;
    linux.gid_mappings = gids;
    linux.namespaces = {{.type = spec::NamespaceType::user}};
    plan::TimelineBuilder builder;
    TRY(plan_id_maps(builder, linux, host));
    LET(const plan::Timeline timeline, std::move(builder).finish());
    return std::get<plan::WriteIdMaps>(std::get<plan::HostOp>(timeline.steps().at(0).op));
}

TEST(PlanIdMaps, SaysWhoWritesThem) {
    const plan::HostFacts root{}, user{.uid = 1000, .gid = 1000, .privileged = false};
    EXPECT_FALSE(planned(full, full, root)->by_helper);
    EXPECT_FALSE(planned(full, full, root)->deny_setgroups);
    EXPECT_TRUE(planned(full, full, user)->by_helper);
    EXPECT_FALSE(planned(full, full, user)->deny_setgroups);
    EXPECT_FALSE(planned(own, own, user)->by_helper);
    EXPECT_TRUE(planned(own, own, user)->deny_setgroups) << "gid_map is closed to it otherwise";
    EXPECT_EQ(planned(full, own, root)->maps.gids, "0 1000 1\n");
}

TEST(PlanIdMaps, RefusesAUserNamespaceWithoutMaps) {
    const auto words = [](const char* pointer) {
        return cat("config.json: ", pointer, ": user namespaces enabled, but no mappings found");
    };
    EXPECT_EQ(planned({}, own, {}).error().text, words("/linux/uidMappings"));
    EXPECT_EQ(planned(own, {}, {}).error().text, words("/linux/gidMappings"));
}

}  // namespace
}  // namespace bulkhead::namespaces
