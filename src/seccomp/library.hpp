// SPDX-License-Identifier: Apache-2.0
// What this room stands on. Profiles are refused as not supported yet (ARCHITECTURE.md).
#pragma once

#include <string>

namespace bulkhead::seccomp {

// The version of the libseccomp that is linked in: "2.5.4".
std::string library_version();

}  // namespace bulkhead::seccomp
