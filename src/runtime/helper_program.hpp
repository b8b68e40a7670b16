// SPDX-License-Identifier: Apache-2.0
// Where the host-helper program is.
#pragma once

#include <string>

namespace bulkhead::runtime {

// Where CMake installs it; if there is none, below libexec beside our own binary, as in a build tree. That
// one is only taken where nobody else could have put it there.
std::string helper_program();

}  // namespace bulkhead::runtime
