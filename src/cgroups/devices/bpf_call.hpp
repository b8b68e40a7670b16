// SPDX-License-Identifier: Apache-2.0
// The calls of bpf(2) for programs on a cgroup's devices. Each attribute has 256 zeroed bytes, more than any
// kernel knows, because kernels from 6.17 to 7.1 write past the given size in BPF_PROG_QUERY.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups::bpf {

// Loads a device program under a name of at most 15 letters. Needs CAP_BPF and CAP_NET_ADMIN, or
// CAP_SYS_ADMIN (Kind::denied). The error of a refused program ends in the verifier's last words. From 5.11
// on the memory cgroup is charged. Before, all programs of the user count against RLIMIT_MEMLOCK; if that is
// too small, the call raises it for a moment as far as it may.
Result<Fd> load_device_program(std::span<const bpf_insn> program, const char* name);

// Attaches a program beside those of others (BPF_F_ALLOW_MULTI, 4.15).
Result<> attach(int cgroup_fd, int program);
// Puts `program` in the place of `old` in one step (BPF_F_REPLACE, 5.6): one of them decides about each
// open(2). errno ENOENT if `old` is not attached.
Result<> replace(int cgroup_fd, int program, int old);
// errno ENOENT if the program is not attached.
Result<> detach(int cgroup_fd, int program);

// Ids of the device programs of this cgroup, without those of its parents, oldest first.
Result<std::vector<std::uint32_t>> attached(int cgroup_fd);
// Needs CAP_SYS_ADMIN. Kind::not_found if the program is gone.
Result<Fd> open_program(std::uint32_t id);
Result<std::string> name_of(int program);

}  // namespace bulkhead::cgroups::bpf
