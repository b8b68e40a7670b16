// SPDX-License-Identifier: Apache-2.0
// From the host's root to the container's, in the stage.
#include <asm/errno.h>

#include "base/resolve.hpp"
#include "rootfs/init_anchor.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr long ms_private_recursive = (1L << 18) | 16384;  // MS_PRIVATE | MS_REC
constexpr long detach = 2;                                 // MNT_DETACH

bool is_same(int left, int right) {
    struct statx one {
    }, other{};
    return raw::statx(left, &one) == 0 && raw::statx(right, &other) == 0 && one.stx_ino == other.stx_ino &&
           one.stx_dev_major == other.stx_dev_major && one.stx_dev_minor == other.stx_dev_minor;
}

// Where hooks look for the root: the directory that its tree was cloned from. A neighbour that exchanges a
// parent of it may lead there to another, so the stage tries again, for a moment. A root of layers has no
// directory to compare with.
long open_place(const StageContext& stage, plan::Text place, bool has_layers) {
    constexpr int at_once = 64, in_all = at_once + 40;
    for (int tries = 0; tries < in_all; ++tries) {
        raw::Handle directory(raw::open_from_root(stage.arena.text(place), O_PATH | O_DIRECTORY));
        if (directory.number() < 0 || has_layers) return directory.release();
        if (is_same(directory.number(), stage.root)) return directory.release();
        if (tries >= at_once) wait_a_moment();
    }
    return -EBUSY;
}

}  // namespace

long attach_over_root(int tree) {
    return raw::call(__NR_move_mount, long{tree}, "", long{AT_FDCWD}, "/", long{MOVE_MOUNT_F_EMPTY_PATH});
}

Outcome attach_root(const StageContext& stage, plan::Text place, const Change& change, bool has_layers) {
    if (place.size != 0) {
        const raw::Handle directory(open_place(stage, place, has_layers));
        ATTEMPT(directory.number(), openat2);
        return attach_changed(stage, stage.root, directory.number(), change);
    }
    if (changes_by_name(stage)) {  // over "/" is where a mount is changed
        ATTEMPT(attach_over_root(stage.root), move_mount);
        return change_mount(stage, stage.root, change);
    }
    if (const Outcome changed = change_mount(stage, stage.root, change); !changed) return changed;
    return outcome(attach_over_root(stage.root), plan::Call::move_mount);
}

Outcome cover_root(const char* size, int& covered) {
    const raw::Handle context(raw::call(__NR_fsopen, "tmpfs", long{FSOPEN_CLOEXEC}));
    ATTEMPT(context.number(), fsopen);
    const struct {
        const char* key;
        const char* value;
    } options[] = {{"source", "tmpfs"}, {"mode", "700"}, {"size", size}};
    for (const auto& option : options)
        ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_SET_STRING, option.key, option.value), fsconfig);
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr), fsconfig);
    raw::Handle mount(raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC},
                                long{MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV}));
    ATTEMPT(mount.number(), fsmount);
    ATTEMPT(attach_over_root(mount.number()), move_mount);
    covered = mount.release();
    return {};
}

Outcome uncover_root(int covered) {
    ATTEMPT(raw::call(__NR_fchdir, long{covered}), fchdir);
    return outcome(raw::call(__NR_umount2, ".", detach), plan::Call::umount);
}

Outcome apply(StageContext&, const plan::IsolateMounts&) {
    return outcome(raw::call(__NR_mount, "", "/", "", ms_private_recursive, 0L), plan::Call::mount);
}

Outcome apply(StageContext& stage, const plan::AttachRoot& op) {
    stage.root = stage.fd(op.tree);
    return attach_root(stage, op.place, {.propagation = op.propagation}, false);
}

Outcome apply(StageContext& stage, const plan::TakeRoot& op) {
    stage.root = stage.fd(op.root);
    return {};
}

Outcome apply(StageContext& stage, const plan::ProtectRoot&) {
    return change_mount(stage, stage.root, {.attributes = {.set = MOUNT_ATTR_RDONLY}});
}

// The new root covers the old one, and the old one leaves the namespace: no path leads to the host any more.
Outcome apply(StageContext& stage, const plan::PivotRoot&) {
    ATTEMPT(raw::call(__NR_fchdir, long{stage.root}), fchdir);
    ATTEMPT(raw::call(__NR_pivot_root, ".", "."), pivot_root);
    ATTEMPT(raw::call(__NR_umount2, ".", detach), umount);
    ATTEMPT(raw::call(__NR_chdir, "/"), fchdir);
    return {};
}

// A procfs or sysfs of the host that stays in the namespace, even covered, lets everybody in the container
// mount a new one without its masks, because a user namespace may have what its mount namespace shows
// already. A mount that a user namespace has locked cannot be removed; an empty directory over its root hides
// its content.
Outcome apply(StageContext& stage, const plan::HideKernelMounts& op) {
    constexpr long no_follow = 8;              // UMOUNT_NOFOLLOW
    constexpr long read_only = 1 | 2 | 4 | 8;  // MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    for (std::uint32_t i = 0; i < op.places.count; ++i) {
        const char* path = stage.arena.text(op.places, i);
        const long gone = raw::call(__NR_umount2, path, detach | no_follow);
        if (gone >= 0 || gone == -ENOENT) continue;  // it may have been removed with a mount above it
        if (gone != -EINVAL && gone != -EPERM) return outcome(gone, plan::Call::umount);
        ATTEMPT(raw::call(__NR_mount, "tmpfs", path, "tmpfs", read_only, "nr_blocks=1,nr_inodes=1,mode=555"),
                mount);
    }
    return {};
}

Outcome apply(StageContext& stage, const plan::MoveRoot&) {
    return outcome(attach_over_root(stage.root), plan::Call::move_mount);
}

Outcome apply(StageContext& stage, const plan::ChangeRoot&) {
    ATTEMPT(raw::call(__NR_fchdir, long{stage.root}), fchdir);
    ATTEMPT(raw::call(__NR_chroot, "."), chroot);
    return outcome(raw::call(__NR_chdir, "/"), plan::Call::fchdir);
}

Outcome apply(StageContext&, const plan::SetRootPropagation& op) {
    return outcome(raw::call(__NR_mount, "", "/", "", long{op.flags}, 0L), plan::Call::mount);
}

}  // namespace bulkhead::rootfs
