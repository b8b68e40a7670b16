// SPDX-License-Identifier: Apache-2.0
// Compiled programs, kept below the state root: libseccomp needs many times longer for a large profile than
// everything else of a start together.
#pragma once

#include <string>

#include "base/error.hpp"
#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

// A directory below the state root, private to its owner. No container id has a colon.
inline constexpr const char* cache_directory = "cache:seccomp";
inline constexpr std::size_t cache_limit = 64;  // programs; the oldest ones go

// The program of `profile` from the cache below the open directory `state_root`, else compiled and put there.
// Whatever is wrong with the cache costs time and nothing else: only compile's errors are errors.
Result<Program> cached_program(int state_root, const spec::Seccomp& profile);

// All that a program depends on, as text: two profiles with the same key have the same program.
std::string cache_key(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
