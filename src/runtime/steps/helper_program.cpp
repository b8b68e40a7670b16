// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/helper_program.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::runtime {

namespace {

constexpr const char* installed = BULKHEAD_HELPER_FROM_BINARY;
constexpr const char* built = "libexec/bulkhead/host-helper";

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A link is refused like a file that everybody may write to.
Result<> check_owner(uid_t owner, const std::string& path) {
    LET(const auto status, sys::status_at(sys::here, path, AT_SYMLINK_NOFOLLOW));
    if (status.st_uid == owner && (status.st_mode & 022) == 0) return {};
    return fail(Kind::denied, quotable(path), ": not the program's owner's alone, so nothing there is run");
}

// A user who can put something there can replace our own binary as well: from the directory that the two have
// in common on, nobody but the binary's owner may.
Result<std::string> found_at(std::string_view way, const std::string& binary, uid_t owner) {
    std::string path = parent_of(binary);
    for (; way.starts_with("../"); way.remove_prefix(3)) path = parent_of(path);
    if (const auto there = sys::status_at(sys::here, cat(path, '/', way)); !there)
        return std::unexpected(there.error());
    TRY(check_owner(owner, path.empty() ? "/" : path));
    for (const std::string_view part : split(way, '/'))
        TRY(check_owner(owner, path.append("/").append(part)));
    return path;
}

}  // namespace

Result<std::string> helper_of(std::string binary) {
    constexpr std::string_view replaced = " (deleted)";
    if (binary.ends_with(replaced)) binary.resize(binary.size() - replaced.size());
    LET(const auto own, sys::status_at(sys::here, binary));
    auto helper = found_at(installed, binary, own.st_uid);
    if (helper || helper.error().err != ENOENT) return helper;
    auto beside = found_at(built, binary, own.st_uid);
    return beside || beside.error().err != ENOENT ? beside : helper;
}

Result<std::string> helper_program() {
    LET(const std::string own, sys::link_target("/proc/self/exe"));
    return helper_of(own);
}

}  // namespace bulkhead::runtime
