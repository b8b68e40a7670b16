// SPDX-License-Identifier: Apache-2.0
// The limits of tmpcopyup: the image chooses what is copied, and the copy takes memory of the host before any
// process of the container runs. Engines ask for it on /run, /tmp and /var of an image, which hold megabytes.
// The stage and the texts of its errors use them. Freestanding.
#pragma once

#include <cstdint>

namespace bulkhead::rootfs {

// The limit if the config gives the tmpfs no size, in bytes of the memory that the copy takes: whole pages,
// and one for each entry.
inline constexpr std::uint64_t copy_byte_limit = std::uint64_t{1} << 30;
inline constexpr std::uint64_t copy_page = 4096;

inline constexpr std::uint32_t copy_entry_limit = 1 << 20;
inline constexpr unsigned copy_depth_limit = 64;

}  // namespace bulkhead::rootfs
