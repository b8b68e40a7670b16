// SPDX-License-Identifier: Apache-2.0
// bpf(2), as far as programs on a cgroup's devices need it. Each attribute has 256 zeroed bytes, more than
// any kernel knows: those from 6.17 to 7.1 write after the size that they were given in BPF_PROG_QUERY.
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
// CAP_SYS_ADMIN (Kind::denied). The error of a refused program ends in the verifier's last words. Since 5.11
// BPF memory is charged to the memory cgroup; before, to RLIMIT_MEMLOCK of all that the user has loaded,
// which is raised for the moment of the call where it is too small and may be.
Result<Fd> load_device_program(std::span<const bpf_insn> program, const char* name);

// Beside the programs of others (BPF_F_ALLOW_MULTI, 4.15).
Result<> attach(int cgroup_fd, int program);
// In the place of `old`, in one step (BPF_F_REPLACE, 5.6): no open(2) sees none of the two. errno ENOENT
// where `old` is not attached.
Result<> replace(int cgroup_fd, int program, int old);
// errno ENOENT where it is not attached.
Result<> detach(int cgroup_fd, int program);

// Ids of the device programs of this very cgroup, oldest first.
Result<std::vector<std::uint32_t>> attached(int cgroup_fd);
// Needs CAP_SYS_ADMIN. Kind::not_found where it is gone.
Result<Fd> open_program(std::uint32_t id);
Result<std::string> name_of(int program);

}  // namespace bulkhead::cgroups::bpf
