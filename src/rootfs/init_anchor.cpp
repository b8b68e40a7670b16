// SPDX-License-Identifier: Apache-2.0
// A neighbour who may write the root, or a volume, can rename a directory that something of ours is mounted
// on: it is a mount point in our namespace alone. So the stage knows its mounts by descriptor and number, and
// compares each name with that before it makes the root the root.
#include "rootfs/init_anchor.hpp"

#include <asm/errno.h>

#include "base/kernel.hpp"
#include "rootfs/in_root.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Anchor;
using plan::Anchored;
using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// The number of the mount that `fd` lies on: one that is never given again if the kernel has it (6.8), and
// else one that stays while the mount does. Zero is none.
struct Number {
    long failed = 0;
    std::uint64_t mount = 0;
    bool is_top = false;  // it is the mount itself, and nothing in it
};

Number number_of(int fd) {
    struct statx status {};
    const long known = raw::call(__NR_statx, long{fd}, "", long{AT_EMPTY_PATH},
                                 long{STATX_MNT_ID | kernel::statx_mnt_id_unique}, &status);
    if (known < 0) return {.failed = known};
    return {.mount = status.stx_mnt_id, .is_top = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
}

// A link of the image may give one place two names, and then a later mount covers an earlier one. That is no
// attack: the path leads to a mount of ours, as it would if nobody had moved anything.
bool is_of_later(const StageContext& stage, Anchor anchor, const Number& found) {
    if (found.mount == 0) return false;
    for (std::uint32_t i = anchor.index + 1u; i <= stage.last_anchor; ++i)
        if (stage.anchors[i].mount == found.mount) return true;
    return false;
}

bool is_as_attached(const StageContext& stage, const plan::ComparePlace& op) {
    const Anchored& wanted = stage.anchors[op.anchor.index];
    const raw::Handle found(open_path(stage, op.path, wanted.plain));
    if (is_missing(found.number())) {
        if (wanted.mount == 0) return true;
        if (wanted.plain) return false;
        const raw::Handle nearest(open_nearest_in_root(stage.root, stage.arena.text(op.path)));
        return nearest.number() >= 0 && is_of_later(stage, op.anchor, number_of(nearest.number()));
    }
    if (found.number() < 0) return false;
    const Number number = number_of(found.number());
    if (wanted.mount != 0 && number.mount == wanted.mount && number.is_top) return true;
    return !wanted.plain && is_of_later(stage, op.anchor, number);
}

}  // namespace

void wait_a_moment() {
    const __kernel_timespec moment{0, 250'000};
    raw::call(__NR_ppoll, 0L, 0L, &moment, 0L, 0L);
}

Target find_target(const StageContext& stage, plan::Path path, Missing missing, bool plain) {
    constexpr int at_once = 64, in_all = at_once + 40;
    for (int tries = 1;; ++tries) {
        const Target target = make_path(stage, path, missing, plain);
        const bool strays =
            target.fd >= 0 && strays_into_procfs(static_cast<int>(target.fd), stage.arena.text(path));
        if (!strays && (target.fd != -ELOOP || !plain)) return target;
        if (target.fd >= 0) raw::close(static_cast<int>(target.fd));
        if (tries == in_all) return strays ? Target{-EPERM, plan::Call::check} : target;
        if (tries >= at_once) wait_a_moment();
    }
}

Outcome remember(StageContext& stage, Anchor anchor, int fd, bool kept) {
    if (anchor.index == 0) return {};
    const Number number = number_of(fd);
    ATTEMPT(number.failed, fstat);
    stage.anchors[anchor.index].mount = number.mount;
    stage.anchors[anchor.index].fd = kept ? fd : 0;
    stage.last_anchor = anchor.index;
    return {};
}

Outcome apply(StageContext& stage, const plan::HoldDirectory& op) {
    raw::Handle directory(open_path(stage, op.path));
    if (is_missing(directory.number())) return {};
    ATTEMPT(directory.number(), openat2);
    stage.anchors[op.anchor.index].fd = directory.release();
    return {};
}

// A neighbour that exchanges two names without end has the right one there half of the time, so the stage
// looks again; but not for long, because a name that was moved for good stays wrong.
Outcome apply(StageContext& stage, const plan::ComparePlace& op) {
    constexpr int at_once = 256, in_all = at_once + 100;
    for (int tries = 0; tries < in_all; ++tries) {
        if (is_as_attached(stage, op)) return {};
        if (tries >= at_once) wait_a_moment();
    }
    return {EBUSY, plan::Call::check};
}

}  // namespace bulkhead::rootfs
