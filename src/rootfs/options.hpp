// SPDX-License-Identifier: Apache-2.0
// The words of a mount's `options` (config.md, "Mounts"; config-linux.md), as one table that the planner,
// `features` and the tests read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::rootfs {

struct MountOptions {
    bool bind = false;
    bool recursive = false;         // rbind
    std::uint64_t set = 0;          // MOUNT_ATTR_* to set on the mount
    std::uint64_t clear = 0;        // ... and to clear, for a bind whose source has them
    std::vector<std::string> data;  // "key=value" or "key": the file system's own, in order
};

// Later words win. A word that is in no table goes to the file system, as runc does it. `pointer` names the
// list in errors: Kind::unsupported for a word of the standard that this version does not do yet,
// Kind::invalid_config for data on a bind mount, which has no file system of its own to take it.
Result<MountOptions> parse_options(const std::vector<std::string>& words, std::string_view pointer);

// The words that work, sorted: `mountOptions` of `features`.
std::span<const std::string_view> known_options();

}  // namespace bulkhead::rootfs
