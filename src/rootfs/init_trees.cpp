// SPDX-License-Identifier: Apache-2.0
// Mounts that are there already, in the stage: clones of the host's, changes to those of the container.
#include <asm/errno.h>

#include "rootfs/in_root.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr std::uint32_t recursively = 16384;  // MS_REC

Outcome reconfigure(StageContext& stage, int target, const plan::Remount& op) {
    const raw::Handle context(
        raw::call(__NR_fspick, long{target}, "", long{FSPICK_CLOEXEC | FSPICK_EMPTY_PATH}));
    ATTEMPT(context.number(), fspick);
    if (const Outcome set = configure_all(stage.arena, context.number(), op.options); !set) return set;
    return outcome(raw::fsconfig(context.number(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr),
                   plan::Call::fsconfig);
}

}  // namespace

Outcome spread(plan::ArenaView arena, int mount, plan::Numbers propagation) {
    for (std::uint32_t i = 0; i < propagation.count; ++i) {
        const std::uint32_t flags = arena.numbers(propagation)[i];
        ATTEMPT(raw::set_mount_attributes(mount, (flags & recursively) != 0, 0, 0, flags & ~recursively),
                mount_setattr);
    }
    return {};
}

Outcome set_attributes(int mount, const plan::MountAttributes& attributes) {
    const auto& [set, clear, set_tree, clear_tree] = attributes;
    if ((set | clear) != 0) ATTEMPT(raw::set_mount_attributes(mount, false, set, clear), mount_setattr);
    if ((set_tree | clear_tree) != 0)
        ATTEMPT(raw::set_mount_attributes(mount, true, set_tree, clear_tree), mount_setattr);
    return {};
}

Outcome apply(StageContext& stage, const plan::CloneSource& op) {
    const raw::Handle source(raw::openat(AT_FDCWD, stage.arena.text(op.path), O_PATH));
    ATTEMPT(source.number(), openat);
    raw::Handle tree(raw::clone_tree(source.number(), op.recursive != 0));
    ATTEMPT(tree.number(), open_tree);
    if (const Outcome set = spread(stage.arena, tree.number(), op.propagation); !set) return set;
    if (const Outcome set = set_attributes(tree.number(), op.attributes); !set) return set;
    stage.slots[op.slot.index] = tree.release();
    return {};
}

Outcome apply(StageContext& stage, const plan::Remount& op) {
    const raw::Handle target(open_in_root(stage.root, stage.arena.text(op.target)));
    ATTEMPT(target.number(), openat2);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if ((found.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return {EINVAL, plan::Call::check};
    if (op.whole_filesystem != 0)
        if (const Outcome done = reconfigure(stage, target.number(), op); !done) return done;
    if (const Outcome set = set_attributes(target.number(), op.attributes); !set) return set;
    return spread(stage.arena, target.number(), op.propagation);
}

}  // namespace bulkhead::rootfs
