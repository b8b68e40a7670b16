// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/decision.hpp"

#include <linux/bpf.h>

#include <array>
#include <cstdlib>
#include <map>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr std::size_t combinations_limit = 1 << 16;

// For each access the number of the last rule about it, negative if that rule denies; 0: no rule.
struct Verdict {
    std::array<int, 3> last{};

    void record(int number, bool allow, Access access) {
        for (std::size_t bit = 0; bit < last.size(); ++bit)
            if (access & (1u << bit)) last[bit] = allow ? number : -number;
    }
    bool silent() const { return last == std::array<int, 3>{}; }
    Access allowed() const {
        unsigned access = 0;
        for (std::size_t bit = 0; bit < last.size(); ++bit)
            if (last[bit] > 0) access |= 1u << bit;
        return static_cast<Access>(access);
    }
};

Verdict later(Verdict verdict, const Verdict& other) {
    for (std::size_t bit = 0; bit < verdict.last.size(); ++bit)
        if (std::abs(other.last[bit]) > std::abs(verdict.last[bit])) verdict.last[bit] = other.last[bit];
    return verdict;
}

using Minors = std::map<std::uint32_t, Verdict>;

struct MajorRules {
    Verdict every_minor;
    Minors minors;
};

// The rules of one type, sorted by their wildcards.
struct Rules {
    Verdict everything;                          // *:*
    Minors minors;                               // *:N
    std::map<std::uint32_t, MajorRules> majors;  // N:* and N:N

    Verdict& about(const spec::DeviceRule& rule) {
        if (!rule.major) return rule.minor ? minors[*rule.minor] : everything;
        MajorRules& major = majors[*rule.major];
        return rule.minor ? major.minors[*rule.minor] : major.every_minor;
    }
    Verdict of_minor(std::uint32_t minor) const {
        const auto found = minors.find(minor);
        return found == minors.end() ? everything : later(everything, found->second);
    }
};

// If rules N:* and *:N both match a device, it gets an exact answer, whichever rule was the last.
void decide_major(Decision& decision, std::uint32_t number, const MajorRules& major, const Rules& rules) {
    const bool listed = !major.every_minor.silent();
    const Access every_minor = later(rules.everything, major.every_minor).allowed();
    if (listed && (every_minor != decision.rest || !rules.minors.empty()))
        decision.majors.push_back({number, every_minor});
    Minors minors = major.minors;
    if (listed)
        for (const auto& [minor, verdict] : rules.minors) minors.try_emplace(minor);
    for (const auto& [minor, verdict] : minors) {
        const Verdict others = rules.of_minor(minor);
        const Access allowed = later(later(others, major.every_minor), verdict).allowed();
        const Access otherwise = listed ? every_minor : others.allowed();
        if (allowed != otherwise) decision.exact.push_back({number, minor, allowed});
    }
}

Decision flatten(const Rules& rules) {
    Decision decision;
    decision.rest = rules.everything.allowed();
    for (const auto& [minor, verdict] : rules.minors)
        if (const Access allowed = rules.of_minor(minor).allowed(); allowed != decision.rest)
            decision.minors.push_back({minor, allowed});
    for (const auto& [number, major] : rules.majors) decide_major(decision, number, major, rules);
    return decision;
}

Result<Rules> sorted(std::span<const spec::DeviceRule> rules, spec::DeviceRuleType type) {
    Rules sorted;
    int number = 0;
    for (const spec::DeviceRule& rule : rules) {
        auto access = parse_access(rule.access);
        if (!access)
            return fail(Kind::invalid_config, "/linux/resources/devices/", number,
                        "/access: ", access.error().text);
        ++number;
        if (rule.type == type || rule.type == spec::DeviceRuleType::all)
            sorted.about(rule).record(number, rule.allow, *access);
    }
    return sorted;
}

}  // namespace

Result<Access> parse_access(std::string_view letters) {
    constexpr std::string_view order = "mrw";  // BPF_DEVCG_ACC_MKNOD 1, READ 2, WRITE 4
    static_assert(BPF_DEVCG_ACC_MKNOD == 1 && BPF_DEVCG_ACC_READ == 2 && BPF_DEVCG_ACC_WRITE == 4);
    unsigned access = 0;
    for (const char letter : letters) {
        const std::size_t bit = order.find(letter);
        if (bit == std::string_view::npos)
            return fail(Kind::invalid_config, quoted(letters), ": only r, w and m are known");
        access |= 1u << bit;
    }
    if (access == 0) return fail(Kind::invalid_config, "device access cannot be empty");
    return static_cast<Access>(access);
}

Result<Decision> decide(std::span<const spec::DeviceRule> rules, spec::DeviceRuleType type) {
    LET(const Rules by_pattern, sorted(rules, type));
    if (by_pattern.majors.size() * by_pattern.minors.size() > combinations_limit)
        return fail(Kind::invalid_config, "/linux/resources/devices: ", by_pattern.majors.size(),
                    " majors and ", by_pattern.minors.size(),
                    " minors of any major are too many combinations");
    return flatten(by_pattern);
}

}  // namespace bulkhead::cgroups
