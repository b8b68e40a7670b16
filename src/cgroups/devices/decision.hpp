// SPDX-License-Identifier: Apache-2.0
// Turns a list of device rules into a table: type, major, minor -> the allowed accesses. Pure.
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

struct Partial {  // the other of major and minor may be anything
    std::uint32_t number;
    Access allowed;
    bool operator==(const Partial&) const = default;
};

// The answers for one type of device, to be searched in this order: the first that matches has the whole
// answer. An entry that repeats the answer of the later ones is left out.
struct Decision {
    std::vector<Exact> exact;
    std::vector<Partial> majors;
    std::vector<Partial> minors;
    Access rest = 0;
    bool operator==(const Decision&) const = default;
};

// The letters of a rule's access; Kind::invalid_config if they are empty or unknown.
Result<Access> parse_access(std::string_view letters);

// `type` is block or character. The last rule about an access decides. Kind::invalid_config names
// /linux/resources/devices and the index.
Result<Decision> decide(std::span<const spec::DeviceRule> rules, spec::DeviceRuleType type);

}  // namespace bulkhead::cgroups
