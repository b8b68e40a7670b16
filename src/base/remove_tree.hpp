// SPDX-License-Identifier: Apache-2.0
// Removes what somebody else has filled a directory with.
#pragma once

#include "base/error.hpp"

namespace bulkhead {

// Removes everything in `directory`, on one file system, however deep it is nested: without recursion, with
// two descriptors, and no path is longer than one name. Links are removed, not followed. It gives up after 10
// s if the directory is filled meanwhile.
Result<> remove_below(int directory);

}  // namespace bulkhead
