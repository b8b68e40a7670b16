// SPDX-License-Identifier: Apache-2.0
#include "seccomp/library.hpp"

#include <seccomp.h>

#include "base/text.hpp"

namespace bulkhead::seccomp {

std::string library_version() {
    const scmp_version* version = seccomp_version();
    return cat(version->major, '.', version->minor, '.', version->micro);
}

}  // namespace bulkhead::seccomp
