// SPDX-License-Identifier: Apache-2.0
// Hangs a device program (devices.hpp) on a cgroup, and another in its place.
#pragma once

#include <linux/bpf.h>

#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

// Our programs are known by it; a cgroup may have those of others, too: systemd's, a hook's.
inline constexpr const char* device_filter_name = "bulkhead_dev";

// What an installation has changed.
struct Installed {
    Fd now;                  // the program
    std::vector<Fd> before;  // ours that were there, and are not any more; none: it came as an additional one
};

// Loads the program and attaches it beside those of others (BPF_F_ALLOW_MULTI, as runc): a device is allowed
// if every program from here up to the root allows it. It lives as long as the cgroup. Errors: those of
// bpf_call.hpp.
Result<> attach_device_filter(int cgroup_fd, std::span<const bpf_insn> program);

// The same where there may be one already: puts the new one in the place of ours, in one step: at no instant
// is more allowed than by the old or by the new. Where there are several of ours, which a runtime that was
// killed may leave, they all go; where there is none, it is attached. Those of others are not touched. Needs
// CAP_SYS_ADMIN, and before 6.9 CAP_NET_ADMIN to look at what is there. On an error all is as before.
Result<Installed> install_device_filter(int cgroup_fd, std::span<const bpf_insn> program);

// Puts back what was there, in one step again. Nothing else may have changed it meanwhile.
Result<> restore_device_filter(int cgroup_fd, const Installed& installed);

// Ours go, those of others stay.
Result<> remove_device_filter(int cgroup_fd);

// True if one of ours is there.
Result<bool> has_device_filter(int cgroup_fd);

}  // namespace bulkhead::cgroups
