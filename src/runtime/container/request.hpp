// SPDX-License-Identifier: Apache-2.0
// What create, run and exec do alike with their requests, before anything is made. Errors of the checks are
// Kind::usage, in runc's words if it has any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "runtime/container/container.hpp"
#include "seccomp/program.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

// Checks the four combinations of a terminal, its socket and --detach.
Result<> check_terminal(bool terminal, bool detached, bool socket);

// Checks that the caller's descriptors are open: those of LISTEN_FDS first, then those of --preserve-fds.
Result<> check_descriptors(unsigned listen_fds, unsigned preserve_fds);

// Makes a path absolute. An empty one (not asked for) stays empty.
Result<std::string> absolute_if_given(const std::string& path);

// The same for a file that will be written: its directory must be there now, because later there is a process
// whose pid nobody would learn.
// `flag` names it in errors.
Result<std::string> writable_if_given(std::string_view flag, const std::string& path);

// The compiled filter of linux.seccomp, from the cache below the state root; none without one.
Result<std::optional<seccomp::Program>> cached_filter(const Site& site, const spec::ValidSpec& spec);

}  // namespace bulkhead::runtime
