// SPDX-License-Identifier: Apache-2.0
#include "runtime/helper_program.hpp"

#include <unistd.h>

#include "base/sys.hpp"

namespace bulkhead::runtime {

namespace {

// Whoever can put something there can replace our own binary as well.
bool belongs_to(uid_t owner, const std::string& path) {
    const auto status = sys::status_at(sys::here, path);
    return status && status->st_uid == owner && (status->st_mode & 022) == 0;
}

// The path, if nobody but the owner of our binary can have put it there; else empty.
std::string found_beside(const std::string& binary) {
    const auto own = sys::status_at(sys::here, binary);
    std::string path = binary.substr(0, binary.rfind('/'));
    if (!own || !belongs_to(own->st_uid, path)) return {};
    for (const char* part : {"/libexec", "/bulkhead", "/host-helper"})
        if (!belongs_to(own->st_uid, path += part)) return {};
    return path;
}

}  // namespace

std::string helper_program() {
    const std::string installed = BULKHEAD_HELPER_PATH;
    if (sys::status_at(sys::here, installed)) return installed;
    const auto own = sys::link_target("/proc/self/exe");
    const std::string beside = own ? found_beside(*own) : "";
    return beside.empty() ? installed : beside;
}

}  // namespace bulkhead::runtime
