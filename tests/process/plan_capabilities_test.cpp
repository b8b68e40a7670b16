// SPDX-License-Identifier: Apache-2.0
#include "process/plan_capabilities.hpp"

#include <linux/capability.h>

#include "process/plan.hpp"
#include "support/planning.hpp"

namespace bulkhead::process {
namespace {

using test::Lines;

constexpr plan::HostFacts host{.last_capability = 40};
constexpr std::uint64_t all = ~std::uint64_t{0};

constexpr plan::HostFacts without(int capability) {
    return {.last_capability = 40, .capabilities = all & ~(std::uint64_t{1} << capability)};
}

Lines credentials(const std::string& patch, const plan::HostFacts& facts = host) {
    const spec::ValidSpec spec = test::spec_with(patch);
    return test::init_lines([&](plan::TimelineBuilder& timeline) {
        const auto planned = plan_credentials(timeline, spec, facts, {});
        EXPECT_TRUE(planned);
    });
}

Lines warnings(const std::string& patch, const plan::HostFacts& facts) {
    return capability_warnings(test::spec_with(patch), facts);
}

TEST(CapabilitySet, IsTheKernelsBits) {
    EXPECT_EQ(capability_set({}, all).value(), 0u);
    EXPECT_EQ(capability_set({"CAP_CHOWN", "CAP_KILL", "CAP_KILL"}, all).value(), 0b100001u);
    EXPECT_EQ(capability_set({"CAP_CHECKPOINT_RESTORE"}, all).value(), std::uint64_t{1} << 40);
}

TEST(CapabilitySet, LeavesOutWhatCannotBeGranted) {
    EXPECT_EQ(capability_set({"CAP_CHOWN", "CAP_KILL"}, 1).value(), 1u);
    EXPECT_EQ(capability_set({"CAP_NONSENSE"}, all).error().kind, Kind::internal);
}

constexpr const char* five_sets = R"({"process": {"capabilities": {
    "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_BPF"], "effective": ["CAP_KILL"],
    "permitted": ["CAP_CHOWN", "CAP_KILL"], "inheritable": ["CAP_KILL", "CAP_BPF"],
    "ambient": ["CAP_KILL", "CAP_CHOWN"]}}})";
constexpr const char* with_user_namespace = R"({"process": {"capabilities": {"bounding": ["CAP_KILL"]}},
    "linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
    "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}})";

TEST(Credentials, HaveFiveSetsOfCapabilities) {
    const Lines lines = credentials(five_sets);
    EXPECT_EQ(lines[1], "init limit_bounding to 0x8000000021 (/process/capabilities/bounding)");
    // CAP_CHOWN is not inheritable, so the kernel would not raise it.
    EXPECT_EQ(lines[4],
              "init set_capabilities effective 0x20 permitted 0x21 inheritable 0x8000000020 ambient 0x20 "
              "(/process/capabilities)");
    EXPECT_EQ(warnings(five_sets, host), Lines());
}

TEST(Credentials, OnAKernelThatLacksACapability) {
    const plan::HostFacts old{.last_capability = 37};
    const Lines lines = credentials(five_sets, old);
    EXPECT_EQ(lines[1], "init limit_bounding to 0x21 (/process/capabilities/bounding)");
    EXPECT_EQ(lines[4],
              "init set_capabilities effective 0x20 permitted 0x21 inheritable 0x20 ambient 0x20 "
              "(/process/capabilities)");
    EXPECT_EQ(
        warnings(five_sets, old),
        Lines{"config.json: /process/capabilities/bounding: CAP_BPF cannot be granted and is left out of "
              "every set: this kernel does not have it"});
}

TEST(Credentials, OfARuntimeThatLacksACapability) {
    const Lines lines = credentials(five_sets, without(CAP_KILL));
    EXPECT_EQ(lines[1], "init limit_bounding to 0x8000000001 (/process/capabilities/bounding)");
    EXPECT_EQ(lines[4],
              "init set_capabilities effective 0x0 permitted 0x1 inheritable 0x8000000000 ambient 0x0 "
              "(/process/capabilities)");
    EXPECT_EQ(warnings(five_sets, without(CAP_KILL)),
              Lines{"config.json: /process/capabilities/bounding: CAP_KILL cannot be granted and is left out "
                    "of every set: the runtime does not have it itself"});
    EXPECT_EQ(warnings(five_sets, without(CAP_SYS_RESOURCE)), Lines());
}

TEST(Credentials, InAUserNamespaceHaveWhatTheRuntimeLacks) {
    EXPECT_EQ(credentials(with_user_namespace, without(CAP_KILL))[1],
              "init limit_bounding to 0x20 (/process/capabilities/bounding)");
    EXPECT_EQ(warnings(with_user_namespace, without(CAP_KILL)), Lines());
}

}  // namespace
}  // namespace bulkhead::process
