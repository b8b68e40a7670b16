// SPDX-License-Identifier: Apache-2.0
// Hangs a device program (devices.hpp) on a cgroup.
#pragma once

#include <linux/bpf.h>

#include <span>

#include "base/error.hpp"

namespace bulkhead::cgroups {

// Loads the program and attaches it to the cgroup, beside those of others (BPF_F_ALLOW_MULTI, as runc): a
// device is allowed if every program from here up to the root allows it. It lives as long as the cgroup.
// Needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN (Kind::denied). The error of a refused program ends in
// the verifier's last words. RLIMIT_MEMLOCK is left alone: since 5.11 BPF memory is charged to the memory
// cgroup; a 5.10 kernel has room for such a program in the default limit of 64 KiB.
Result<> attach_device_filter(int cgroup_fd, std::span<const bpf_insn> program);

}  // namespace bulkhead::cgroups
