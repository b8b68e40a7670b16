// SPDX-License-Identifier: Apache-2.0
// Works on existing mounts in the stage: clones those of the host and changes those of the container.
#include <asm/errno.h>

#include "rootfs/in_root.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// The root of a mount, or the errno of opening it.
Outcome check_mount(int target) {
    ATTEMPT(target, openat2);
    struct statx found {};
    ATTEMPT(raw::statx(target, &found), fstat);
    const bool is_mount = (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return is_mount ? Outcome{} : Outcome{EINVAL, plan::Call::check};
}

Outcome reconfigure(const StageContext& stage, int target, plan::Texts options) {
    const raw::Handle context(
        raw::call(__NR_fspick, long{target}, "", long{FSPICK_CLOEXEC | FSPICK_EMPTY_PATH}));
    ATTEMPT(context.number(), fspick);
    if (const Outcome set = configure_all(stage.arena, context.number(), options); !set) return set;
    return outcome(raw::fsconfig(context.number(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr),
                   plan::Call::fsconfig);
}

}  // namespace

Outcome apply(StageContext& stage, const plan::CloneSource& op) {
    const raw::Handle source(raw::openat(AT_FDCWD, stage.arena.text(op.path), O_PATH));
    ATTEMPT(source.number(), openat);
    raw::Handle tree(raw::clone_tree(source.number(), op.recursive != 0));
    ATTEMPT(tree.number(), open_tree);
    const Change change{op.attributes, op.propagation};
    if (const Outcome changed = change_mount(stage, tree.number(), change); !changed) return changed;
    stage.slots[op.slot.index] = tree.release();
    return {};
}

Outcome apply(StageContext& stage, const plan::Remount& op) {
    const raw::Handle target(open_path(stage, op.target));
    if (const Outcome found = check_mount(target.number()); !found) return found;
    if (const Outcome done = reconfigure(stage, target.number(), op.options); !done) return done;
    return change_mount(stage, target.number(), {op.attributes, op.propagation});
}

Outcome apply(StageContext& stage, const plan::RemountBind& op) {
    const raw::Handle target(open_path(stage, op.target));
    if (const Outcome found = check_mount(target.number()); !found) return found;
    return change_mount(stage, target.number(), {op.attributes, op.propagation});
}

}  // namespace bulkhead::rootfs
