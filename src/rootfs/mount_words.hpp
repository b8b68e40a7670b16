// SPDX-License-Identifier: Apache-2.0
// Functions that the mounting steps of the stage share. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

inline constexpr unsigned permission_bits = 07777, kind_bits = 0170000;
inline constexpr unsigned directory_kind = 0040000, regular_kind = 0100000, link_kind = 0120000;

// fsconfig(2): "key=value" sets a string, "key" a flag. It splits the option in place and restores it.
long configure(int context, char* option);
plan::Outcome configure_all(plan::ArenaView arena, int context, plan::Texts options);

// Copies the content of the directory `from` into the new tmpfs `to` (tmpcopyup): directories, regular files
// and links, with mode and owner; no device, socket, fifo, set-id bit or extended attribute. Mounts are not
// entered. A name that leads to the file of another is a file of its own, and a hole is copied as the bytes
// that it reads as. EFBIG: more than `limit` bytes, as copy_up_limits.hpp counts them; EOVERFLOW: too many
// entries, or too deep.
plan::Outcome copy_up(int from, int to, std::uint64_t limit);

}  // namespace bulkhead::rootfs
