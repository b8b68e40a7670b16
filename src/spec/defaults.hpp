// SPDX-License-Identifier: Apache-2.0
// What `bulkhead spec` writes.
#pragma once

#include <string>

namespace bulkhead::spec {

// A complete config.json that runs a shell: the one `runc spec` writes, with our hostname and version.
std::string default_document();

}  // namespace bulkhead::spec
