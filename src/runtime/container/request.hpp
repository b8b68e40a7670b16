// SPDX-License-Identifier: Apache-2.0
// Checks that the requests of create, run and exec have in common, made before anything is done. Errors are
// Kind::usage, in runc's words if it has any.
#pragma once

#include <string>

#include "base/error.hpp"

namespace bulkhead::runtime {

// Checks the four combinations of a terminal, its socket and --detach.
Result<> check_terminal(bool terminal, bool detached, bool socket);

// Checks that the caller's descriptors are open: those of LISTEN_FDS first, then those of --preserve-fds.
Result<> check_descriptors(unsigned listen_fds, unsigned preserve_fds);

// Makes a path absolute. An empty one (not asked for) stays empty.
Result<std::string> absolute_if_given(const std::string& path);

// The same for a file that will be written: its directory must be there now, because later there is a process
// whose pid nobody would learn.
Result<std::string> writable_if_given(const std::string& path);

}  // namespace bulkhead::runtime
