// SPDX-License-Identifier: Apache-2.0
// Attributes of a whole tree, one mount after another: mount(2) changes one at a time. It finds the tree in
// mountinfo by the numbers of its mounts, opens each by its path from the top, which crosses no link, and
// checks it again: what an image moves meanwhile is an error and not another mount.
#include <asm/errno.h>

#include "base/resolve.hpp"
#include "rootfs/init_change.hpp"
#include "rootfs/init_mount_table.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::StageContext;

namespace {

constexpr std::size_t tree_limit = 1024;

// The mounts of a tree. A mount is listed after the one that it is mounted on.
class Tree {
  public:
    // Takes the line if it belongs to the tree; false: there is no room.
    bool add(const MountLine& line) {
        const Member* parent = find(line.parent);
        if (count_ > 0 && parent == nullptr) return true;
        if (count_ == tree_limit) return false;
        members_[count_++] = {line.id, static_cast<std::uint16_t>(line.length), false};
        // A mount with the same path as the mount below covers that as a whole.
        if (parent != nullptr && parent->length == line.length) hide(line.parent);
        return true;
    }

    bool begins_with(std::uint32_t id) const { return count_ > 0 && members_[0].id == id; }
    std::size_t top_length() const { return members_[0].length; }

    // True if it is mounted below the top and can be reached. Only processes that could change the top as
    // well can uncover a mount that is covered as a whole.
    bool has_way_to(std::uint32_t id) const {
        const Member* member = find(id);
        return member != nullptr && member != members_ && !member->hidden;
    }

  private:
    struct Member {
        std::uint32_t id;
        std::uint16_t length;
        bool hidden;
    };

    const Member* find(std::uint32_t id) const {
        for (std::size_t i = 0; i < count_; ++i)
            if (members_[i].id == id) return &members_[i];
        return nullptr;
    }
    void hide(std::uint32_t id) {
        for (std::size_t i = 0; i < count_; ++i)
            if (members_[i].id == id) members_[i].hidden = true;
    }

    Member members_[tree_limit];
    std::size_t count_ = 0;
};

Outcome find_tree(const StageContext& stage, std::uint32_t top, MountLine& line, Tree& tree) {
    MountTable table(stage.self);
    ATTEMPT(table.opened(), openat);
    long more = 0;
    while ((more = table.next(line)) > 0)
        if (line.id == top || tree.begins_with(top))
            if (!tree.add(line)) return {EOVERFLOW, plan::Call::check};
    ATTEMPT(more, read);
    return tree.begins_with(top) ? Outcome{} : Outcome{EINVAL, plan::Call::check};
}

Outcome change(const StageContext& stage, int mount, const MountLine& line,
               const plan::MountAttributes& wanted) {
    const std::uint32_t attributes = (line.attributes & ~wanted.clear_tree) | wanted.set_tree;
    return plan::outcome(remount_as(stage, mount, attributes), plan::Call::mount);
}

Outcome change_below(const StageContext& stage, int top, const char* way, const MountLine& line,
                     const plan::MountAttributes& wanted) {
    while (*way == '/') ++way;
    const raw::Handle below(raw::open_below(top, way, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    ATTEMPT(below.number(), openat2);
    struct statx status {};
    ATTEMPT(raw::statx(below.number(), &status), fstat);
    if (status.stx_mnt_id != line.id) return {EBUSY, plan::Call::check};
    return change(stage, below.number(), line, wanted);
}

}  // namespace

Outcome change_tree_by_name(const StageContext& stage, int mount, const plan::MountAttributes& wanted) {
    struct statx status {};
    ATTEMPT(raw::statx(mount, &status), fstat);
    const auto top = static_cast<std::uint32_t>(status.stx_mnt_id);
    MountLine line;
    Tree tree;
    if (const Outcome found = find_tree(stage, top, line, tree); !found) return found;
    MountTable table(stage.self);
    ATTEMPT(table.opened(), openat);
    long more = 0;
    while ((more = table.next(line)) > 0) {
        Outcome changed;
        if (line.id == top)
            changed = change(stage, mount, line, wanted);
        else if (tree.has_way_to(line.id))
            changed = change_below(stage, mount, line.path + tree.top_length(), line, wanted);
        if (!changed) return changed;
    }
    return plan::outcome(more, plan::Call::read);
}

}  // namespace bulkhead::rootfs
