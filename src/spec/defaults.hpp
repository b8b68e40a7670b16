// SPDX-License-Identifier: Apache-2.0
// The documents that `bulkhead spec` writes.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::spec {

// A complete config.json that runs a shell: the one `runc spec` writes, with our hostname and version.
std::string default_document();

// The same for a caller without root: a user namespace in which `uid` and `gid` of the host are 0, no network
// namespace, and no limits. What `runc spec --rootless` writes.
std::string rootless_document(std::uint32_t uid, std::uint32_t gid);

}  // namespace bulkhead::spec
