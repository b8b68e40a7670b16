// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <random>

#include "device_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

using spec::DeviceRule;
using enum spec::DeviceRuleType;

class DeviceFilter : public testing::DeviceTest {};

TEST_F(DeviceFilter, TheDefaultsLetNullThroughAndNothingOfTheHost) {
    const auto made = make(root(), path).value();
    const int group = made.fd.number();
    if (make_node(group, S_IFCHR, 1, 11) != 0 || open_node(group, node(), O_RDONLY) != 0)
        GTEST_SKIP() << "1:11 does not open here without a filter either";
    ASSERT_TRUE(install_device_filter(group, device_program({}).value()));
    EXPECT_EQ(open_node(group, "/dev/null", O_RDWR), 0);
    EXPECT_EQ(open_node(group, "/dev/urandom", O_RDONLY), 0);
    EXPECT_EQ(open_node(group, node(), O_RDONLY), EPERM) << "kmsg, by a node that was there before";
    EXPECT_EQ(make_node(group, S_IFCHR, 1, 1), 0) << "making any node is allowed by default";
    EXPECT_EQ(open_node(group, node(), O_RDONLY), EPERM) << "mem";
    EXPECT_EQ(make_node(group, S_IFBLK, 254, 0), 0);
    EXPECT_EQ(open_node(group, node(), O_RDONLY), EPERM) << "disk";
}

TEST_F(DeviceFilter, DeniesMakingANodeAndTheRightHalfOfAnAccess) {
    const auto made = make(root(), path).value();
    const int group = made.fd.number();
    const std::vector<DeviceRule> rules{{true, character, 1, 3, "rwm"}, {true, character, 1, 5, "r"}};
    ASSERT_TRUE(install_device_filter(group, compile_device_rules(rules).value()));
    EXPECT_EQ(make_node(group, S_IFCHR, 1, 3), 0);
    EXPECT_EQ(open_node(group, node(), O_RDWR), 0);
    EXPECT_EQ(make_node(group, S_IFCHR, 1, 5), EPERM);
    EXPECT_EQ(make_node(group, S_IFBLK, 1, 3), EPERM);
    EXPECT_EQ(open_node(group, "/dev/zero", O_RDONLY), 0);
    EXPECT_EQ(open_node(group, "/dev/zero", O_RDWR), EPERM);
    EXPECT_EQ(open_node(group, "/dev/full", O_RDONLY), EPERM);
}

TEST_F(DeviceFilter, HoldsForCgroupsBelowAndWithASecondOne) {
    const auto made = make(root(), path).value();
    ASSERT_TRUE(install_device_filter(made.fd.number(), device_program({}).value()));
    const auto below = make(root(), path + "/below").value();
    const std::vector<DeviceRule> everything{{true, all, {}, {}, "rwm"}};
    ASSERT_TRUE(install_device_filter(below.fd.number(), device_program(everything).value()));
    EXPECT_EQ(open_node(below.fd.number(), "/dev/null", O_RDWR), 0);
    ASSERT_EQ(make_node(below.fd.number(), S_IFCHR, 1, 11), 0);
    EXPECT_EQ(open_node(below.fd.number(), node(), O_RDONLY), EPERM);
}

TEST_F(DeviceFilter, TheVerifierTakesWhateverRulesMake) {
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return static_cast<std::uint32_t>(random() % limit); };
    for (const std::size_t size : {1u, 5u, 40u, 400u, 4096u}) {
        std::vector<DeviceRule> rules(size);
        for (DeviceRule& rule : rules)
            rule = {below(2) == 0, spec::DeviceRuleType(below(3)), below(300), below(300),
                    below(2) ? "rw" : "m"};
        const auto program = device_program(rules).value();
        const auto made = make(root(), path).value();
        const auto attached = install_device_filter(made.fd.number(), program);
        EXPECT_TRUE(attached) << size << " rules, " << program.size()
                              << " instructions: " << attached.error().text;
        ASSERT_TRUE(cgroups::remove(root(), path, 1000));
    }
}

TEST_F(DeviceFilter, ARefusedProgramQuotesTheVerifier) {
    const auto made = make(root(), path).value();
    const std::vector<bpf_insn> no_result{{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const auto attached = install_device_filter(made.fd.number(), no_result);
    ASSERT_FALSE(attached);
    EXPECT_NE(attached.error().text.find("R0 !read_ok"), std::string::npos) << attached.error().text;
    EXPECT_NE(attached.error().text.find("permission denied"), std::string::npos);
}

TEST_F(DeviceFilter, AttachingTheDefaultsCostsLittleMoreThanAttachingAnything) {
    const std::vector<DeviceRule> everything{{true, all, {}, {}, "rwm"}};
    const std::array programs{device_program({}).value(), device_program(everything).value()};
    std::array<std::vector<std::uint64_t>, 2> times;
    for (int round = 0; round < 101; ++round)
        for (std::size_t which = 0; which < programs.size(); ++which) {
            const auto made = make(root(), path).value();
            const auto begin = sys::monotonic_ns();
            ASSERT_TRUE(install_device_filter(made.fd.number(), programs[which]));
            times[which].push_back(sys::monotonic_ns() - begin);
            ASSERT_TRUE(cgroups::remove(root(), path, 1000));
        }
    for (auto& list : times) std::ranges::sort(list);
    const auto defaults = times[0][50], floor = times[1][50];
    RecordProperty("defaults_ns", static_cast<int>(defaults));
    RecordProperty("floor_ns", static_cast<int>(floor));
    EXPECT_LT(defaults, 10 * floor);
}

TEST_F(DeviceFilter, LeavesNoDescriptorBehind) {
    const auto made = make(root(), path).value();
    const int next = ::dup(0);
    ::close(next);
    for (int round = 0; round < 10; ++round)
        ASSERT_TRUE(install_device_filter(made.fd.number(), device_program({}).value()));
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, next);
}

}  // namespace
}  // namespace bulkhead::cgroups
