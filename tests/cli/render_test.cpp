// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bulkhead::cli {
namespace {

const runtime::View running{.id = "c2",
                            .pid = 6759,
                            .status = lifecycle::Status::running,
                            .bundle = "/tmp/cli-build/rc/b",
                            .rootfs = "/tmp/cli-build/rc/b/rootfs",
                            .created = "2026-11-21T11:38:25.289509667Z",
                            .annotations = {},
                            .owner = "root"};

TEST(StateJson, IsWhatRuncPrints) {
    EXPECT_EQ(state_json(running), R"({
  "ociVersion": "1.3.0",
  "id": "c2",
  "pid": 6759,
  "status": "running",
  "bundle": "/tmp/cli-build/rc/b",
  "rootfs": "/tmp/cli-build/rc/b/rootfs",
  "created": "2026-11-21T11:38:25.289509667Z",
  "owner": ""
})");
}

TEST(StateJson, HasAPidOfZeroAndAnnotationsInOrder) {
    runtime::View stopped = running;
    stopped.pid = 0;
    stopped.status = lifecycle::Status::stopped;
    stopped.annotations = {{"b", "2"}, {"a", "\"1\""}};
    const std::string text = state_json(stopped);
    EXPECT_NE(text.find("\"pid\": 0,\n  \"status\": \"stopped\""), std::string::npos);
    EXPECT_NE(text.find("\"annotations\": {\n    \"a\": \"\\\"1\\\"\",\n    \"b\": \"2\"\n  },\n"),
              std::string::npos);
}

TEST(StateJson, IsValidWhateverThePathsAre) {
    runtime::View odd = running;
    odd.bundle = "/a\xff\n\x1b";
    EXPECT_EQ(nlohmann::json::parse(state_json(odd))["bundle"], "/a\xef\xbf\xbd\n\x1b");
}

TEST(ListTable, IsWhatRuncPrints) {
    EXPECT_EQ(list_table({}), "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
    EXPECT_EQ(
        list_table({running}),
        "ID          PID         STATUS      BUNDLE                CREATED                          OWNER\n"
        "c2          6759        running     /tmp/cli-build/rc/b   2026-11-21T11:38:25.289509667Z   root\n");
}

runtime::View damaged_one() {
    runtime::View view;
    view.id = "c3";
    view.owner = "root";
    view.damage = "state.json: /pid: \"x\x1b\": must be a whole number";
    return view;
}

TEST(ListTable, HasALineForADamagedRecordWithItsReason) {
    const std::string table = list_table({running, damaged_one()});
    EXPECT_NE(table.find("\nc3          0           damaged     state.json: /pid: \"x\\x1b\": must be a "
                         "whole number   -                                root\n"),
              std::string::npos)
        << table;
    EXPECT_EQ(list_ids({damaged_one()}), "c3\n");
}

TEST(ListJson, HasADamagedRecordWithoutWhatIsNotKnown) {
    const auto list = nlohmann::json::parse(list_json({running, damaged_one()}));
    EXPECT_EQ(list[0]["status"], "running");
    EXPECT_FALSE(list[0].contains("error"));
    EXPECT_EQ(list[1], nlohmann::json({{"ociVersion", "1.3.0"},
                                       {"id", "c3"},
                                       {"pid", 0},
                                       {"status", "damaged"},
                                       {"error", damaged_one().damage},
                                       {"owner", "root"}}));
}

TEST(ListTable, CountsLettersAndEscapesControlBytes) {
    runtime::View odd = running;
    odd.bundle = "/\xc3\xa9\x1b[0m-and-on";
    const std::string table = list_table({odd});
    EXPECT_NE(table.find("/\xc3\xa9\\x1b[0m-and-on   2026"), std::string::npos);
}

TEST(ListJson, IsOneLineWithOwnersOrNull) {
    EXPECT_EQ(list_json({}), "null\n");
    EXPECT_EQ(list_json({running}),
              "[{\"ociVersion\":\"1.3.0\",\"id\":\"c2\",\"pid\":6759,\"status\":\"running\","
              "\"bundle\":\"/tmp/cli-build/rc/b\",\"rootfs\":\"/tmp/cli-build/rc/b/rootfs\","
              "\"created\":\"2026-11-21T11:38:25.289509667Z\",\"owner\":\"root\"}]\n");
}

TEST(ListIds, AreOnePerLine) {
    EXPECT_EQ(list_ids({}), "");
    EXPECT_EQ(list_ids({running, running}), "c2\nc2\n");
}

TEST(VersionText, HasOneLineWithTheWordVersion) {
    EXPECT_EQ(version_text({"1.2.3", "abc", "2.5.4"}),
              "bulkhead version 1.2.3\ncommit: abc\nspec: 1.3.0\nlibseccomp: 2.5.4\n");
}

TEST(ThisBuild, KnowsItsLibrary) { EXPECT_TRUE(this_build().libseccomp.starts_with("2.")); }

}  // namespace
}  // namespace bulkhead::cli
