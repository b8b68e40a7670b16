// SPDX-License-Identifier: Apache-2.0
#include "cli/render_features.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/verbs.hpp"

namespace bulkhead::cli {
namespace {

nlohmann::json printed(const Features& features) {
    return nlohmann::json::parse(features_json({"1", "c", "2"}, features));
}

// What the verb itself collects.
nlohmann::json own() { return nlohmann::json::parse(verbs::features(Call{})->output); }

TEST(FeaturesJson, BeginsWithTheVersionsAsRuncPrintsThem) {
    const std::string text =
        features_json({"1", "c", "2"}, {.oldest_version = "1.0.0", .newest_version = "1.3.0"});
    EXPECT_TRUE(
        text.starts_with("{\n    \"ociVersionMin\": \"1.0.0\",\n    \"ociVersionMax\": \"1.3.0\",\n"));
    EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(FeaturesJson, HasEveryListWhereTheStandardPutsIt) {
    const auto json = printed({.hooks = {"a"},
                               .mount_options = {"b"},
                               .namespaces = {"c"},
                               .capabilities = {"d"},
                               .seccomp = {{"e"}, {"f"}, {"g"}, {"h"}, {"i"}},
                               .memory_policy = {{"j"}, {"k"}},
                               .unsafe_annotations = {"l"}});
    for (const auto& [pointer, word] : std::map<std::string, std::string>{
             {"/hooks", "a"},
             {"/mountOptions", "b"},
             {"/linux/namespaces", "c"},
             {"/linux/capabilities", "d"},
             {"/linux/seccomp/actions", "e"},
             {"/linux/seccomp/operators", "f"},
             {"/linux/seccomp/archs", "g"},
             {"/linux/seccomp/knownFlags", "h"},
             {"/linux/seccomp/supportedFlags", "i"},
             {"/linux/memoryPolicy/modes", "j"},
             {"/linux/memoryPolicy/flags", "k"},
             {"/potentiallyUnsafeConfigAnnotations", "l"},
         })
        EXPECT_EQ(json.at(nlohmann::json::json_pointer(pointer)), nlohmann::json::array({word})) << pointer;
}

TEST(FeaturesJson, SaysWhatIsOnAndOff) {
    for (const bool on : {true, false}) {
        const auto json = printed(
            {.systemd = on, .apparmor = on, .selinux = on, .intel_rdt = {on, on, on}, .checkpoint = on});
        const auto& in_linux = json["linux"];
        EXPECT_EQ(in_linux["cgroup"]["systemd"], on);
        EXPECT_EQ(in_linux["cgroup"]["systemdUser"], on);
        for (const char* name : {"apparmor", "selinux", "intelRdt"}) EXPECT_EQ(in_linux[name]["enabled"], on);
        for (const char* name : {"schemata", "monitoring"}) EXPECT_EQ(in_linux["intelRdt"][name], on);
        EXPECT_EQ(json["annotations"]["org.opencontainers.runc.checkpoint.enabled"], on ? "true" : "false");
    }
}

TEST(FeaturesJson, LeavesOutWhatItHasNoWordsFor) {
    EXPECT_FALSE(printed({})["linux"].contains("memoryPolicy"));
}

TEST(FeaturesJson, NamesTheBuildButNotAsRunc) {
    const auto annotations = printed({})["annotations"];
    EXPECT_EQ(annotations["run.bulkhead.version"], "1");
    EXPECT_EQ(annotations["run.bulkhead.commit"], "c");
    EXPECT_EQ(annotations["io.github.seccomp.libseccomp.version"], "2");
    EXPECT_FALSE(annotations.contains("org.opencontainers.runc.version"));
}

TEST(OwnFeatures, AreTheTablesOfTheCode) {
    const auto json = own();
    EXPECT_EQ(json["ociVersionMin"], "1.0.0");
    EXPECT_EQ(json["hooks"], (nlohmann::json{"prestart", "createRuntime", "createContainer", "startContainer",
                                             "poststart", "poststop"}));
    const auto& in_linux = json["linux"];
    EXPECT_EQ(in_linux["namespaces"],
              (nlohmann::json{"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}));
    EXPECT_EQ(in_linux["capabilities"].size(), 41U);
    EXPECT_EQ(in_linux["seccomp"]["actions"].size(), 9U);
    EXPECT_EQ(in_linux["seccomp"]["operators"].size(), 7U);
    EXPECT_EQ(in_linux["seccomp"]["knownFlags"].size(), 4U);
    EXPECT_EQ(in_linux["mountExtensions"]["idmap"]["enabled"], true);
    EXPECT_EQ(in_linux["netDevices"]["enabled"], true);
    EXPECT_EQ(in_linux["cgroup"]["v1"], false);
    EXPECT_EQ(in_linux["cgroup"]["v2"], true);
    for (const char* on : {"apparmor", "selinux", "seccomp"}) EXPECT_EQ(in_linux[on]["enabled"], true) << on;
    for (const char* on : {"enabled", "schemata", "monitoring"})
        EXPECT_EQ(in_linux["intelRdt"][on], true) << on;
    EXPECT_EQ(in_linux["memoryPolicy"]["modes"].size(), 7U);
    EXPECT_EQ(in_linux["memoryPolicy"]["flags"].size(), 3U);
    EXPECT_EQ(
        json["potentiallyUnsafeConfigAnnotations"],
        (nlohmann::json{"run.bulkhead.overlay.lower", "run.bulkhead.overlay.size",
                        "run.bulkhead.overlay.upper", "run.bulkhead.overlay.work", "org.systemd.property."}));
}

// dockerd and CRI-O look for these words.
TEST(OwnFeatures, HaveWhatEnginesLookFor) {
    const auto options = own()["mountOptions"];
    for (const char* word : {"rro", "idmap", "rbind"})
        EXPECT_EQ(std::ranges::count(options, nlohmann::json(word)), 1) << word;
}

}  // namespace
}  // namespace bulkhead::cli
