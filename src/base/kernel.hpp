// SPDX-License-Identifier: Apache-2.0
// Constants of the kernel's interface that Debian 12's headers (those of 6.1) do not have, or that the stage
// needs without libc. Each names the release it came with.
#pragma once

namespace bulkhead::kernel {

inline constexpr unsigned mfd_noexec_seal = 0x0008;  // 6.3
inline constexpr unsigned mfd_exec = 0x0010;         // 6.3
inline constexpr int f_seal_exec = 0x0020;           // 6.3
inline constexpr unsigned close_range_cloexec = 4;   // 5.11

inline constexpr unsigned statx_mnt_id_unique = 0x4000;  // 6.8

inline constexpr long cgroup2_super_magic = 0x63677270;
inline constexpr long devpts_super_magic = 0x1cd1;
inline constexpr long nsfs_magic = 0x6e736673;
inline constexpr long pidfs_magic = 0x50494446;  // 6.9

}  // namespace bulkhead::kernel
