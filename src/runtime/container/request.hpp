// SPDX-License-Identifier: Apache-2.0
// What the requests of create, run and exec have in common: looked at before anything is done. Errors are
// Kind::usage, in runc's words if it has any.
#pragma once

#include <string>

#include "base/error.hpp"

namespace bulkhead::runtime {

// The four ways to combine a terminal, its socket and who waits.
Result<> check_terminal(bool terminal, bool detached, bool socket);

// Descriptors that were handed over: those of LISTEN_FDS first, then those of --preserve-fds.
Result<> check_descriptors(unsigned listen_fds, unsigned preserve_fds);

// An empty path stays empty: not asked for.
Result<std::string> absolute_if_given(const std::string& path);

// The same for a file that will be written: its directory must be there now, because later there is a process
// whose pid nobody would learn.
Result<std::string> writable_if_given(const std::string& path);

}  // namespace bulkhead::runtime
