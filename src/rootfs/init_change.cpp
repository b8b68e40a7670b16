// SPDX-License-Identifier: Apache-2.0
#include "rootfs/init_change.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr std::uint32_t recursively = 16384;  // MS_REC

Outcome set_attributes(int mount, const plan::MountAttributes& attributes) {
    const auto& [set, clear, set_tree, clear_tree] = attributes;
    if ((set | clear) != 0) ATTEMPT(raw::set_mount_attributes(mount, false, set, clear), mount_setattr);
    if ((set_tree | clear_tree) != 0)
        ATTEMPT(raw::set_mount_attributes(mount, true, set_tree, clear_tree), mount_setattr);
    return {};
}

Outcome spread(plan::ArenaView arena, int mount, plan::Numbers propagation) {
    for (std::uint32_t i = 0; i < propagation.count; ++i) {
        const std::uint32_t flags = arena.numbers(propagation)[i];
        ATTEMPT(raw::set_mount_attributes(mount, (flags & recursively) != 0, 0, 0, flags & ~recursively),
                mount_setattr);
    }
    return {};
}

}  // namespace

Outcome change_mount(const StageContext& stage, int mount, const Change& change) {
    if (changes_by_name(stage)) return change_mount_by_name(stage, mount, change);
    if (const Outcome set = set_attributes(mount, change.attributes); !set) return set;
    return spread(stage.arena, mount, change.propagation);
}

Outcome attach_changed(const StageContext& stage, int mount, int target, const Change& change) {
    if (changes_by_name(stage)) return attach_changed_by_name(stage, mount, target, change);
    if (const Outcome changed = change_mount(stage, mount, change); !changed) return changed;
    return outcome(raw::attach(mount, target), plan::Call::move_mount);
}

}  // namespace bulkhead::rootfs
