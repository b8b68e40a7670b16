// SPDX-License-Identifier: Apache-2.0
// Which directories the administrator grants to the annotations of an overlay root. Two grants that do not
// include each other: a label of an image can become an annotation, and who may read a layer must not be able
// to name it, or another's, as the place that is written to.
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
