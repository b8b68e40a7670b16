// SPDX-License-Identifier: Apache-2.0
#include "cgroups/delegation.hpp"

#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

// Without the kernel's list, the files that config-linux.md names in "Cgroup ownership".
std::string delegable_files() {
    const auto list = read_kernel_file(sys::here, "/sys/kernel/cgroup/delegate");
    return list ? *list : "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
}

}  // namespace

Result<> delegate(int cgroup_fd, uid_t owner) {
    TRY(sys::change_owner_at(cgroup_fd, "", owner));
    const std::string files = delegable_files();
    for (const std::string_view name : split(files, '\n')) {
        if (name.empty() || name.find('/') != std::string_view::npos) continue;
        auto changed = sys::change_owner_at(cgroup_fd, std::string(name), owner);
        if (!changed && changed.error().err != ENOENT) return changed;
    }
    return {};
}

}  // namespace bulkhead::cgroups
