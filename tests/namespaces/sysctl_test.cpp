// SPDX-License-Identifier: Apache-2.0
#include "namespaces/plan.hpp"
#include "support/planning.hpp"

namespace bulkhead::namespaces {
namespace {

using spec::NamespaceType;
using test::Lines;

spec::ValidSpec spec_with_parameters(const std::string& parameters) {
    return test::spec_with(
        cat(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "network"}, {"type": "ipc"}],
                                             "sysctl": )",
            parameters, "}}"));
}

TEST(KernelParameters, AreOneStepEach) {
    const spec::ValidSpec spec = spec_with_parameters(
        R"({"net.ipv4.conf.a/b.mtu": "9", "kernel.sem": "1 2 3 4", "net/core/somaxconn": "7"})");
    EXPECT_EQ(
        test::init_lines([&](auto& timeline) { plan_kernel_parameters(timeline, spec); }),
        (Lines{"init set_sysctl /proc/sys/kernel/sem = 1 2 3 4 (/linux/sysctl/kernel.sem)",
               "init set_sysctl /proc/sys/net/ipv4/conf/a.b/mtu = 9 (/linux/sysctl/net.ipv4.conf.a~1b.mtu)",
               "init set_sysctl /proc/sys/net/core/somaxconn = 7 (/linux/sysctl/net~1core~1somaxconn)"}));
}

TEST(KernelParameters, OfNobodyAreNoStep) {
    const spec::ValidSpec spec = spec_with_parameters("{}");
    EXPECT_EQ(test::init_lines([&](auto& timeline) { plan_kernel_parameters(timeline, spec); }), Lines{});
}

TEST(ParameterRefusal, NamesTheParameterOfThatNamespace) {
    const spec::ValidSpec spec = spec_with_parameters(R"({"kernel.sem": "1", "net/core/somaxconn": "7"})");
    EXPECT_EQ(parameter_refusal(*spec, NamespaceType::network),
              "sysctl \"net/core/somaxconn\" not allowed in host network namespace");
    EXPECT_EQ(parameter_refusal(*spec, NamespaceType::ipc),
              "sysctl \"kernel.sem\" is not allowed in the hosts ipc namespace");
    EXPECT_EQ(parameter_refusal(*spec, NamespaceType::uts), "");
    EXPECT_EQ(parameter_refusal(*spec, NamespaceType::pid), "");
}

}  // namespace
}  // namespace bulkhead::namespaces
