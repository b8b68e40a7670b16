// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <cerrno>
#include <cstring>

namespace bulkhead {

namespace {

Kind kind_of(int err) {
    switch (err) {
        case EPERM:
        case EACCES: return Kind::denied;
        case ENOENT:
        case ESRCH: return Kind::not_found;
        case EEXIST: return Kind::exists;
        case ENOSYS: return Kind::unsupported;
        default: return Kind::kernel;
    }
}

}  // namespace

std::string errno_words(int err) {
    // strerrordesc_np reads a table and no locale; Go prints the same words in lower case, and the engines
    // match on Go's spelling: "permission denied", "no such file or directory".
    const char* words = strerrordesc_np(err);
    return words == nullptr ? cat("errno ", err) : lower(words);
}

std::unexpected<Error> system_error(int err, std::string_view call, std::string_view argument) {
    std::string text(call);
    if (!argument.empty()) text = cat(call, ' ', quotable(argument));
    return std::unexpected(Error{kind_of(err), err, cat(text, ": ", errno_words(err))});
}

}  // namespace bulkhead
