// SPDX-License-Identifier: Apache-2.0
// Attaches a device program (devices.hpp) to a cgroup, replaces it and removes it.
#pragma once

#include <linux/bpf.h>

#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

// The name by which we find our programs. systemd or a hook may attach programs of their own.
inline constexpr const char* device_filter_name = "bulkhead_dev";

// The change that install_device_filter made.
struct Installed {
    Fd now;                  // the new program
    std::vector<Fd> before;  // our programs that it replaced; empty: it was attached as an additional one
};

// Loads the program and attaches it beside those of others (BPF_F_ALLOW_MULTI, as runc): a device is allowed
// if every program from this cgroup up to the root allows it. The program lives as long as the cgroup.
// Errors: those of bpf_call.hpp.
Result<> attach_device_filter(int cgroup_fd, std::span<const bpf_insn> program);

// Loads the program and puts it in the place of ours in one step: at no instant is more allowed than by the
// old or by the new one. A runtime that was killed may leave several of ours; all of them go. If there is
// none, the program is attached. Programs of others stay. Needs CAP_SYS_ADMIN, before 6.9 also CAP_NET_ADMIN
// for the query. On an error the oldest of ours is back in its place.
Result<Installed> install_device_filter(int cgroup_fd, std::span<const bpf_insn> program);

// Puts the old programs back, the first in one step. No other process may have changed them in between.
Result<> restore_device_filter(int cgroup_fd, const Installed& installed);

// Removes our programs; those of others stay.
Result<> remove_device_filter(int cgroup_fd);

// True if one of our programs is attached.
Result<bool> has_device_filter(int cgroup_fd);

}  // namespace bulkhead::cgroups
