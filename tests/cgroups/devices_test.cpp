// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/devices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>

#include "interpreter.hpp"

namespace bulkhead::cgroups {
namespace {

using spec::DeviceRule;
using enum spec::DeviceRuleType;
using Rules = std::vector<DeviceRule>;

constexpr std::uint32_t chr = BPF_DEVCG_DEV_CHAR;
constexpr std::uint32_t blk = BPF_DEVCG_DEV_BLOCK;

// What the standard says, letter by letter and rule by rule.
bool should_allow(std::span<const DeviceRule> rules, std::uint32_t type, std::uint32_t major,
                  std::uint32_t minor, std::string_view access) {
    for (const char letter : access) {
        bool allowed = false;
        for (const DeviceRule& rule : rules) {
            const bool same_type = rule.type == all || (rule.type == character) == (type == chr);
            if (same_type && rule.major.value_or(major) == major && rule.minor.value_or(minor) == minor &&
                rule.access.find(letter) != std::string::npos)
                allowed = rule.allow;
        }
        if (!allowed) return false;
    }
    return true;
}

constexpr std::array<std::string_view, 8> accesses{"", "m", "r", "rm", "w", "wm", "rw", "rwm"};

bool does_allow(std::span<const bpf_insn> program, std::uint32_t type, std::uint32_t major,
                std::uint32_t minor, std::string_view access) {
    const auto bits = std::ranges::find(accesses, access) - accesses.begin();
    return testing::allows(program, type, major, minor, static_cast<std::uint32_t>(bits));
}

std::string shown(std::span<const DeviceRule> rules) {
    std::string text;
    const auto number = [](const std::optional<std::uint32_t>& n) { return n ? std::to_string(*n) : "*"; };
    for (const DeviceRule& rule : rules)
        text += std::string(rule.allow ? "allow " : "deny ") + "abc"[static_cast<int>(rule.type)] + " " +
                number(rule.major) + ":" + number(rule.minor) + " " + rule.access + "\n";
    return text;
}

void expect_as_specified(std::span<const DeviceRule> rules, std::span<const bpf_insn> program,
                         std::span<const std::uint32_t> numbers) {
    for (const std::uint32_t type : {chr, blk})
        for (const std::uint32_t major : numbers)
            for (const std::uint32_t minor : numbers)
                for (std::size_t access = 1; access < accesses.size(); ++access)
                    ASSERT_EQ(does_allow(program, type, major, minor, accesses[access]),
                              should_allow(rules, type, major, minor, accesses[access]))
                        << type << " " << major << ":" << minor << " " << accesses[access] << "\n"
                        << shown(rules);
}

TEST(Devices, DefaultsAllowTheUsualOnesAndDenyTheRest) {
    const auto program = device_program({}).value();
    EXPECT_EQ(program.size(), 41u);
    for (const auto& [major, minor] : {std::pair{1u, 3u},
                                       {1u, 5u},
                                       {1u, 7u},
                                       {1u, 8u},
                                       {1u, 9u},
                                       {5u, 0u},
                                       {5u, 2u},
                                       {10u, 200u},
                                       {136u, 0u},
                                       {136u, 1048575u}}) {
        EXPECT_TRUE(does_allow(program, chr, major, minor, "rwm")) << major << ":" << minor;
        EXPECT_FALSE(does_allow(program, blk, major, minor, "r")) << major << ":" << minor;
    }
    for (const auto& [major, minor] :
         {std::pair{1u, 1u}, {1u, 2u}, {1u, 11u}, {5u, 1u}, {10u, 229u}, {0u, 0u}}) {
        EXPECT_TRUE(does_allow(program, chr, major, minor, "m")) << major << ":" << minor;
        for (const auto access : {"r", "w", "rw", "rm", "rwm"})
            EXPECT_FALSE(does_allow(program, chr, major, minor, access)) << major << ":" << minor << access;
    }
    EXPECT_FALSE(does_allow(program, blk, 8, 0, "r"));
    EXPECT_TRUE(does_allow(program, blk, 8, 0, "m"));
    EXPECT_FALSE(testing::allows(program, 3, 1, 3, 2)) << "a type that the kernel does not have today";
    EXPECT_FALSE(testing::allows(program, chr, 8, 0, 9)) << "an access that it does not have today";
}

TEST(Devices, ADenyOfAllInFrontChangesNothing) {
    const auto alone = device_program({}).value();
    const auto behind = device_program(Rules{{false, all, {}, {}, "rwm"}}).value();
    ASSERT_EQ(alone.size(), behind.size());
    EXPECT_EQ(std::memcmp(alone.data(), behind.data(), alone.size() * sizeof(bpf_insn)), 0);
}

TEST(Devices, APrivilegedContainerCostsTwoInstructions) {
    const auto program = device_program(Rules{{true, all, {}, {}, "rwm"}}).value();
    EXPECT_EQ(program.size(), 2u);
    EXPECT_TRUE(does_allow(program, blk, 8, 0, "rwm"));
}

TEST(Devices, NothingIsAllowedWithoutRules) {
    const auto program = compile_device_rules({}).value();
    for (const auto access : {"r", "w", "m"}) EXPECT_FALSE(does_allow(program, chr, 1, 3, access));
}

TEST(Devices, DefaultsWinOverTheUsersRules) {
    const auto program = device_program(Rules{{false, character, 1, 3, "rwm"}}).value();
    EXPECT_TRUE(does_allow(program, chr, 1, 3, "rw"));
}

TEST(Devices, HandWrittenListsAsSpecified) {
    const std::array<std::uint32_t, 9> numbers{0, 1, 3, 8, 11, 200, 4095, 0x80000000, 0xffffffff};
    for (const Rules& rules : {
             Rules{{true, character, 1, 11, "r"}, {true, character, 1, 11, "w"}},
             Rules{{true, all, {}, {}, "rwm"}, {false, block, 8, {}, "w"}},
             Rules{{true, character, {}, {}, "rwm"}, {false, character, 1, 11, "w"}},
             Rules{{true, character, 1, 11, "rwm"}, {false, character, {}, {}, "rw"}},
             Rules{{true, all, 1, 11, "r"}},
             Rules{{true, character, {}, 3, "rw"}, {false, character, 8, {}, "w"}},
             Rules{{false, character, 8, {}, "w"}, {true, character, {}, 3, "rw"}},
             Rules{{true, character, 8, {}, "rw"},
                   {true, character, {}, 3, "m"},
                   {false, character, 8, 3, "r"}},
             Rules{{true, block, 0xffffffff, 0x80000000, "rwm"}, {true, character, {}, 0xffffffff, "r"}},
             Rules{{true, character, 1, {}, "rwm"},
                   {true, character, {}, {}, "rwm"},
                   {true, character, {}, 3, "r"}},
         })
        expect_as_specified(rules, compile_device_rules(rules).value(), numbers);
}

// Few numbers, so that the rules meet each other.
Rules random_rules(std::mt19937& random) {
    const auto below = [&](unsigned limit) { return static_cast<std::uint32_t>(random() % limit); };
    const auto number = [&]() -> std::optional<std::uint32_t> {
        if (below(3) == 0) return std::nullopt;
        return below(6);
    };
    Rules rules(below(24));
    for (DeviceRule& rule : rules)
        rule = {below(2) == 0, spec::DeviceRuleType(below(3)), number(), number(),
                std::string(accesses[1 + below(7)])};
    return rules;
}

TEST(Devices, TwoThousandRandomListsAsSpecified) {
    std::mt19937 random(20260118);
    const std::array<std::uint32_t, 7> numbers{0, 1, 2, 3, 4, 5, 6};
    for (int round = 0; round < 2000 && !HasFatalFailure(); ++round) {
        const Rules rules = random_rules(random);
        expect_as_specified(rules, compile_device_rules(rules).value(), numbers);
    }
}

TEST(Devices, FourThousandRulesAreFine) {
    Rules rules;
    for (std::uint32_t i = 0; i < device_rules_limit; ++i) rules.push_back({true, all, 2 * i, i % 7, "rw"});
    const auto program = device_program(rules).value();
    EXPECT_LT(program.size(), 32767u);
    EXPECT_TRUE(does_allow(program, blk, 8190, 4095 % 7, "rw"));
    EXPECT_FALSE(does_allow(program, blk, 8189, 4095 % 7, "rw"));
}

TEST(Devices, MoreThanThatIsNot) {
    const Rules rules(device_rules_limit + 12, {true, character, 1, 3, "r"});
    EXPECT_EQ(compile_device_rules(rules).error().text, "/linux/resources/devices: more than 4096 rules");
}

TEST(Devices, ManyWildcardsThatCrossAreRefusedWithAReason) {
    Rules rules;
    for (std::uint32_t i = 0; i < 200; ++i) {
        rules.push_back({true, character, i, {}, "r"});
        rules.push_back({true, character, {}, i, "w"});
    }
    const auto reach = compile_device_rules(rules);
    ASSERT_FALSE(reach);
    EXPECT_EQ(reach.error().kind, Kind::invalid_config);
    EXPECT_NE(reach.error().text.find("a jump in it reaches only 32767"), std::string::npos)
        << reach.error().text;
    for (std::uint32_t i = 200; i < 2000; ++i)
        rules.push_back({true, character, i % 2 ? i : 0, i % 2 ? 0 : i, "r"});
    for (std::uint32_t i = 200; i < 1000; ++i) rules.push_back({true, character, {}, i, "w"});
    EXPECT_NE(compile_device_rules(rules).error().text.find("too many combinations"), std::string::npos);
}

TEST(Devices, AccessHasAGrammar) {
    EXPECT_EQ(compile_device_rules(Rules{{true, all, {}, {}, "rw"}, {true, all, {}, {}, ""}}).error().text,
              "/linux/resources/devices/1/access: device access cannot be empty");
    EXPECT_EQ(compile_device_rules(Rules{{true, all, {}, {}, "rx"}}).error().text,
              "/linux/resources/devices/0/access: \"rx\": only r, w and m are known");
}

}  // namespace
}  // namespace bulkhead::cgroups
