// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rootfs/cloner.hpp"

namespace bulkhead::rootfs {

// A device node or named pipe of the container.
struct DeviceNode {
    std::string path;        // below the root, cleaned
    std::uint32_t mode = 0;  // S_IFCHR, S_IFBLK or S_IFIFO, and the permissions
    std::uint32_t major = 0, minor = 0;
    std::uint32_t uid = 0, gid = 0;
    std::string pointer{};       // of the property; empty: one of the default devices
    std::optional<Tree> tree{};  // a clone of the host's node, attached instead of making one
    bool verified = true;        // the host checked the clone when it made it
};

}  // namespace bulkhead::rootfs
