// SPDX-License-Identifier: Apache-2.0
// The directories that the administrator grants to the annotations of an overlay root. Two grants that do not
// include each other: a label of an image can become an annotation, and a config that may read a layer must
// not be able to name it, or another one, as the place to write to.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::rootfs {

// Absolute paths.
struct OverlayGrants {
    std::vector<std::string> lower;  // --overlay-from: layers, which are read
    std::vector<std::string> upper;  // --overlay-upper-from: upper and work directories, which are written

    bool operator==(const OverlayGrants&) const = default;
};

}  // namespace bulkhead::rootfs
