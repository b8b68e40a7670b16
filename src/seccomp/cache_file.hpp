// SPDX-License-Identifier: Apache-2.0
// A program as the bytes of a file of the cache. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

// FNV-1a, 64 bits: names the file, and detects damage. Nothing else depends on it, because the file contains
// its whole key.
std::uint64_t hash_of(std::string_view bytes);

std::string cache_text(std::string_view key, const Program& program);

// nullopt if the bytes are not exactly what cache_text makes of this key and some sound program.
std::optional<Program> read_cache_text(std::string_view bytes, std::string_view key);

}  // namespace bulkhead::seccomp
