// SPDX-License-Identifier: Apache-2.0
// Where the host-helper program is.
#pragma once

#include <string>

#include "base/error.hpp"

namespace bulkhead::runtime {

// Our own binary's: where both are installed, wherever that is (sbin/bulkhead, libexec/bulkhead/host-helper),
// or else below libexec beside it, as in a build tree. Only taken if nobody but the binary's owner can have
// put it there (Kind::denied). Costs some system calls: ask when it is needed.
Result<std::string> helper_program();

// The same of this binary, an absolute path, after which the kernel may have said " (deleted)": a package
// has replaced the running one meanwhile, and its successor's helper will do.
Result<std::string> helper_of(std::string binary);

}  // namespace bulkhead::runtime
