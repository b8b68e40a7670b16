// SPDX-License-Identifier: Apache-2.0
// host-helper cgroup2-mount: prints the mount point of cgroup v2.
#include <libmount/libmount.h>
#include <sys/vfs.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "base/kernel.hpp"
#include "cgroups/systemd/host_helper/requests.hpp"

namespace bulkhead::host_helper {

namespace {

// A mount that another mount covers is still in mountinfo, but its path leads elsewhere.
bool is_reachable(const char* path) {
    struct statfs status {};
    return ::statfs(path, &status) == 0 && status.f_type == kernel::cgroup2_super_magic;
}

// A bind mount of a part is no use, because paths in /proc/self/cgroup start at the hierarchy's root.
bool is_whole_hierarchy(libmnt_fs* fs) {
    const char* type = mnt_fs_get_fstype(fs);
    const char* root = mnt_fs_get_root(fs);
    const char* target = mnt_fs_get_target(fs);
    if (type == nullptr || root == nullptr || target == nullptr) return false;
    return std::strcmp(type, "cgroup2") == 0 && std::strcmp(root, "/") == 0 && is_reachable(target);
}

}  // namespace

int cgroup2_mount(const std::vector<std::string>&) {
    const std::unique_ptr<libmnt_table, void (*)(libmnt_table*)> table(
        mnt_new_table_from_file("/proc/self/mountinfo"), mnt_unref_table);
    const std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)> iterator(mnt_new_iter(MNT_ITER_FORWARD),
                                                                        mnt_free_iter);
    if (!table || !iterator) {
        (void)std::fputs("cannot read /proc/self/mountinfo\n", stderr);
        return 1;
    }
    libmnt_fs* fs = nullptr;
    while (mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0)
        if (is_whole_hierarchy(fs)) return std::puts(mnt_fs_get_target(fs)) < 0 ? 1 : 0;
    (void)std::fputs("no cgroup2 mount in /proc/self/mountinfo\n", stderr);
    return 1;
}

}  // namespace bulkhead::host_helper
