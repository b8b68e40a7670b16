// SPDX-License-Identifier: Apache-2.0
// Where the host-helper program is.
#pragma once

#include <string>

#include "base/error.hpp"

namespace bulkhead::runtime {

// The helper of this binary: where both are installed (sbin/bulkhead, libexec/bulkhead/host-helper), or else
// below libexec beside it, as in a build tree. Only taken if nobody but the binary's owner can have put it
// there (Kind::denied). Costs some system calls: ask when it is needed.
Result<std::string> helper_program();

// The same for the binary with this absolute path, to which the kernel may have appended " (deleted)": a
// package has replaced the running binary, and the new one's helper works as well.
Result<std::string> helper_of(std::string binary);

}  // namespace bulkhead::runtime
