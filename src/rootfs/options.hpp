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
#include "plan/vocabulary.hpp"

namespace bulkhead::rootfs {

enum class IdMapWord : std::uint8_t { none, idmap, ridmap };

struct MountOptions {
    bool bind = false;
    bool recursive = false;                  // rbind
    bool remount = false;                    // changes an existing mount
    bool copy_up = false;                    // tmpcopyup
    IdMapWord id_map = IdMapWord::none;      // the last of idmap and ridmap
    plan::MountAttributes attributes{};      // the recursive words win over the mount's own, as with runc
    std::vector<std::uint32_t> propagation;  // MS_SHARED and so on, MS_REC; in order
    std::vector<std::string> data;           // "key=value" or "key": the file system's own, in order
};

// Later words win. A word that is in no table goes to the file system, as runc does it. `pointer` names the
// list in errors, all of Kind::invalid_config: a file system's options on a bind mount, which has none of its
// own to take them, and tmpcopyup or an id mapping on a mount that cannot have it.
Result<MountOptions> parse_options(const std::vector<std::string>& words, std::string_view pointer);

// Every word of the table, sorted: `mountOptions` of `features`.
std::span<const std::string_view> known_options();

}  // namespace bulkhead::rootfs
