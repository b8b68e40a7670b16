// SPDX-License-Identifier: Apache-2.0
#include "rootfs/init_filesystem.hpp"

#include <asm/errno.h>

namespace bulkhead::rootfs {

using plan::StageContext;

namespace {

long open_plainly(const char* type) { return raw::call(__NR_fsopen, type, long{FSOPEN_CLOEXEC}); }

bool is_proc(const char* type) {
    const char* proc = "proc";
    while (*type != '\0' && *type == *proc) ++type, ++proc;
    return *type == *proc;
}

// 6.17 takes the namespace as a parameter. A kernel that does not know it says EINVAL.
long open_for_namespace(int pids) {
    raw::Handle context(open_plainly("proc"));
    if (context.number() < 0) return context.number();
    const long set =
        raw::call(__NR_fsconfig, long{context.number()}, long{FSCONFIG_SET_FD}, "pidns", 0L, long{pids});
    return set < 0 ? set : context.release();
}

// In a child that shares our descriptors, and replaces `place` by the context.
long replace_by_child(int place) {
    constexpr long share_files = 0x00000400 | 17;  // CLONE_FILES | SIGCHLD
    const long child = raw::call(__NR_clone, share_files, 0L, 0L, 0L, 0L);
    if (child < 0) return child;
    if (child == 0) {
        const raw::Handle context(open_plainly("proc"));
        const long moved = context.number() < 0
                               ? context.number()
                               : raw::call(__NR_dup3, long{context.number()}, long{place}, long{O_CLOEXEC});
        raw::close(context.number());  // the table is shared, so our end does not close it
        for (;;) raw::call(__NR_exit_group, moved < 0 ? -moved : 0L);
    }
    int status = 0;
    long waited = -EINTR;
    while (waited == -EINTR) waited = raw::call(__NR_wait4, child, &status, 0L, 0L);
    if (waited < 0) return waited;
    return status == 0 ? place : -long{status >> 8 & 0xff};
}

}  // namespace

long open_filesystem(const StageContext& stage, const char* type) {
    if (stage.joined_pids < 0 || !is_proc(type)) return open_plainly(type);
    const long context = open_for_namespace(stage.joined_pids);
    return context == -EINVAL ? open_procfs_by_child() : context;
}

long open_procfs_by_child() {
    raw::Handle place(raw::openat(AT_FDCWD, "/", O_PATH));
    if (place.number() < 0) return place.number();
    const long opened = replace_by_child(place.number());
    return opened < 0 ? opened : place.release();
}

}  // namespace bulkhead::rootfs
