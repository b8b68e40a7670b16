// SPDX-License-Identifier: Apache-2.0
// The one file that the version and the commit are compiled into.
#include <seccomp.h>

#include "base/text.hpp"
#include "cli/render.hpp"

#ifndef BULKHEAD_VERSION
#define BULKHEAD_VERSION "0.0.0-unversioned"
#endif
#ifndef BULKHEAD_COMMIT
#define BULKHEAD_COMMIT "unknown"
#endif

namespace bulkhead::cli {

Build this_build() {
    const scmp_version* library = ::seccomp_version();
    return {BULKHEAD_VERSION, BULKHEAD_COMMIT, cat(library->major, '.', library->minor, '.', library->micro)};
}

}  // namespace bulkhead::cli
