// SPDX-License-Identifier: Apache-2.0
// What a list of device rules comes to: type, major, minor -> the accesses that are allowed. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

using Access = std::uint8_t;  // BPF_DEVCG_ACC_MKNOD | _READ | _WRITE
inline constexpr Access every_access = 7;

struct Exact {
    std::uint32_t major;
    std::uint32_t minor;
    Access allowed;
    bool operator==(const Exact&) const = default;
};

struct Partial {  // major or minor is any
    std::uint32_t number;
    Access allowed;
    bool operator==(const Partial&) const = default;
};

// For one type of device, to be asked in this order; the first that fits has the whole answer. Holds only
// what differs from the answers after it.
struct Decision {
    std::vector<Exact> exact;
    std::vector<Partial> majors;
    std::vector<Partial> minors;
    Access rest = 0;
    bool operator==(const Decision&) const = default;
};

// The letters of a rule's access; Kind::invalid_config where empty or unknown.
Result<Access> parse_access(std::string_view letters);

// `type` is block or character. Rules in order, the last one that speaks about an access decides.
// Kind::invalid_config, naming /linux/resources/devices and the index.
Result<Decision> decide(std::span<const spec::DeviceRule> rules, spec::DeviceRuleType type);

}  // namespace bulkhead::cgroups
