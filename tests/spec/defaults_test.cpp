// SPDX-License-Identifier: Apache-2.0
#include "spec/defaults.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

TEST(Defaults, parse_and_validate_without_a_warning) {
    const auto spec = parse(default_document());
    ASSERT_TRUE(spec) << spec.error().text;
    const auto valid = validate(*spec);
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_TRUE(valid->warnings().empty());
}

TEST(Defaults, are_laid_out_as_runc_does_it) {
    const std::string document = default_document();
    EXPECT_TRUE(
        document.starts_with("{\n\t\"ociVersion\": \"1.3.0\",\n\t\"process\": {\n\t\t\"terminal\": true,"));
    EXPECT_TRUE(document.ends_with("\t\t]\n\t}\n}"));
    const auto tree = nlohmann::ordered_json::parse(document);
    EXPECT_EQ(tree.dump(1, '\t'), document);
}

TEST(Defaults, isolate_in_every_way_but_user_and_time) {
    const Spec spec = *parse(default_document());
    EXPECT_EQ(spec.hostname, "bulkhead");
    EXPECT_EQ(spec.linux.namespaces.size(), 6U);
    EXPECT_EQ(spec.mounts.size(), 7U);
    EXPECT_TRUE(spec.root->readonly);
    EXPECT_TRUE(spec.process->no_new_privileges);
    EXPECT_FALSE(spec.linux.resources.devices.at(0).allow);
}

TEST(Defaults, without_root_are_valid_and_laid_out_alike) {
    const std::string document = rootless_document(1000, 1001);
    const auto tree = nlohmann::ordered_json::parse(document);
    EXPECT_EQ(tree.dump(1, '\t'), document);
    const auto spec = parse(document);
    ASSERT_TRUE(spec) << spec.error().text;
    const auto valid = validate(*spec);
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_TRUE(valid->warnings().empty());
}

TEST(Defaults, without_root_map_the_caller_and_ask_for_nothing_that_takes_root) {
    const Spec spec = *parse(rootless_document(1000, 1001));
    EXPECT_EQ(spec.linux.uid_mappings.at(0).host_id, 1000U);
    EXPECT_EQ(spec.linux.gid_mappings.at(0).host_id, 1001U);
    EXPECT_EQ(spec.linux.gid_mappings.at(0).size, 1U);
    std::vector<NamespaceType> types;
    for (const Namespace& each : spec.linux.namespaces) types.push_back(each.type);
    using enum NamespaceType;
    EXPECT_EQ(types, (std::vector{pid, ipc, uts, mount, cgroup, user}));
    EXPECT_TRUE(spec.linux.resources.devices.empty());
    for (const Mount& mount : spec.mounts) {
        EXPECT_NE(mount.type, "sysfs");
        EXPECT_EQ(std::ranges::count(mount.options, "gid=5"), 0);
    }
    EXPECT_EQ(spec.mounts.at(5).source, "/sys");
    EXPECT_EQ(spec.mounts.at(5).options,
              (std::vector<std::string>{"rbind", "nosuid", "noexec", "nodev", "ro"}));
}

}  // namespace
}  // namespace bulkhead::spec::test
