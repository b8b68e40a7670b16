// SPDX-License-Identifier: Apache-2.0
// The one file that the version and the commit are compiled into.
#include "cli/render.hpp"
#include "seccomp/library.hpp"

#ifndef BULKHEAD_VERSION
#define BULKHEAD_VERSION "0.0.0-unversioned"
#endif
#ifndef BULKHEAD_COMMIT
#define BULKHEAD_COMMIT "unknown"
#endif

namespace bulkhead::cli {

Build this_build() { return {BULKHEAD_VERSION, BULKHEAD_COMMIT, seccomp::library_version()}; }

}  // namespace bulkhead::cli
