// SPDX-License-Identifier: Apache-2.0
// Errors are values: the kind of trouble (programs branch on that), the errno, and a sentence for a person,
// to which each level adds a phrase in front.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace bulkhead {

enum class Kind : std::uint8_t {
    usage,           // the command line
    invalid_config,  // config.json says something the standard does not allow
    unsupported,     // the standard allows it, and this machine cannot
    not_found,
    exists,
    bad_state,  // the container's status does not allow the verb
    kernel,     // a system call failed
    denied,     // ... for want of privilege
    internal,
    interrupted,  // a signal asked this process to end (base/waiting.hpp)
};

struct Error {
    Kind kind = Kind::internal;
    int err = 0;  // errno of the failed call, else 0
    std::string text;
    int signal = 0;  // of Kind::interrupted

    // "cannot make the cgroup: " + "mkdirat(/sys/fs/cgroup/x): Permission denied"
    Error&& under(std::string_view phrase) && {
        text.insert(0, ": ").insert(0, phrase);
        return std::move(*this);
    }
};

template <class T = void>
using Result = std::expected<T, Error>;

// An Error made of pieces: fail(Kind::not_found, "container ", id, " does not exist")
template <class... Pieces>
std::unexpected<Error> fail(Kind kind, const Pieces&... pieces) {
    return std::unexpected(Error{kind, 0, cat(pieces...)});
}

// errno in the words of the kernel's callers, lower case as runc prints them: "permission denied".
std::string errno_words(int err);

// The Error of a system call: the call with its arguments, then the errno in words.
std::unexpected<Error> system_error(int err, std::string_view call, std::string_view argument = {});

}  // namespace bulkhead

// Both are statements. There is no TRY that yields a value, because with g++ 12.2 it leaks what was already
// built if it stands inside a braced initialiser. NOLINTBEGIN(bugprone-macro-parentheses): a declaration and
// a name cannot stand in parentheses.
#define BULKHEAD_JOIN2(a, b) a##b
#define BULKHEAD_JOIN(a, b) BULKHEAD_JOIN2(a, b)

// TRY(expr); returns the error of `expr` from the enclosing function.
#define TRY(expr)                                                                                         \
    do {                                                                                                  \
        if (auto try_result = (expr); !try_result) return std::unexpected(std::move(try_result).error()); \
    } while (false)

// LET(auto name, expr); declares `name` with the value of `expr`, or returns its error.
#define LET(declaration, expr) BULKHEAD_LET(declaration, expr, BULKHEAD_JOIN(let_result_, __LINE__))
#define BULKHEAD_LET(declaration, expr, result)                       \
    auto result = (expr);                                             \
    if (!(result)) return std::unexpected(std::move(result).error()); \
    declaration = std::move(*(result))
// NOLINTEND(bugprone-macro-parentheses)
