// SPDX-License-Identifier: Apache-2.0
// A cache of compiled programs below the state root: for a large profile libseccomp takes several times as
// long as the rest of a start.
#pragma once

#include <string>

#include "base/error.hpp"
#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

// A directory below the state root, private to its owner. No container id has a colon.
inline constexpr const char* cache_directory = "cache:seccomp";
inline constexpr std::size_t cache_limit = 64;  // programs; the oldest ones go

// The program of `profile` from the cache below the open directory `state_root`, else compiled and put there.
// A damaged or missing cache costs only time: all errors are compile's.
Result<Program> cached_program(int state_root, const spec::Seccomp& profile);

// Everything that a program depends on, as text: two profiles with the same key have the same program.
std::string cache_key(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
