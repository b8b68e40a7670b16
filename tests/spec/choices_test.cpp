// SPDX-License-Identifier: Apache-2.0
#include "spec/choices.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "spec/defaults.hpp"
#include "spec/parse.hpp"

namespace bulkhead::spec {
namespace {

using nlohmann::json;

TEST(WithChoices, ChangesNothingWhereNothingIsChosen) {
    EXPECT_EQ(with_choices(default_document(), {}), default_document());
    EXPECT_EQ(with_choices(rootless_document(7, 8), {}), rootless_document(7, 8));
}

TEST(WithChoices, ChangesWhatIsChosenAndNothingElse) {
    const Choices choices{.hostname = "a\"b",
                          .terminal = false,
                          .no_new_privileges = false,
                          .readonly = false,
                          .env = std::vector<std::string>{"A=1", "B=\"\\"},
                          .capabilities = std::vector<std::string>{"CAP_KILL"},
                          .rlimits = std::vector<ChosenLimit>{{"RLIMIT_CORE", 1}, {"RLIMIT_NOFILE", 2}}};
    for (const std::string& document : {default_document(), rootless_document(7, 8)}) {
        json expected = json::parse(document);
        expected["hostname"] = "a\"b";
        expected["root"]["readonly"] = false;
        json& process = expected["process"];
        process["terminal"] = process["noNewPrivileges"] = false;
        process["env"] = {"A=1", "B=\"\\"};
        for (json& set : process["capabilities"]) set = json::array({"CAP_KILL"});
        process["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 1}, {"hard", 1}},
                              {{"type", "RLIMIT_NOFILE"}, {"soft", 2}, {"hard", 2}}};
        const std::string chosen = with_choices(document, choices);
        EXPECT_EQ(json::parse(chosen), expected);
        EXPECT_TRUE(parse(chosen));
    }
}

TEST(WithChoices, MayEmptyAList) {
    const Choices none{.env = std::vector<std::string>(),
                       .capabilities = std::vector<std::string>(),
                       .rlimits = std::vector<ChosenLimit>()};
    const json document = json::parse(with_choices(default_document(), none));
    EXPECT_TRUE(document["process"]["env"].empty());
    EXPECT_TRUE(document["process"]["rlimits"].empty());
    EXPECT_TRUE(document["process"]["capabilities"]["bounding"].empty());
}

// What is written has the layout of what was there.
TEST(WithChoices, KeepsTheLayout) {
    const Choices same{
        .env = std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                        "TERM=xterm"},
        .capabilities = std::vector<std::string>{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"},
        .rlimits = std::vector<ChosenLimit>{{"RLIMIT_NOFILE", 1024}}};
    EXPECT_EQ(with_choices(default_document(), same), default_document());
}

}  // namespace
}  // namespace bulkhead::spec
