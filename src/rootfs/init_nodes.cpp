// SPDX-License-Identifier: Apache-2.0
// Device nodes, links, masks, read-only paths and the terminal, in the stage.
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/magic.h>

#include "rootfs/in_root.hpp"
#include "rootfs/init_anchor.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr unsigned kind_bits = 0170000, permission_bits = 07777;
constexpr unsigned character_device = 0020000;
constexpr unsigned directory_kind = 0040000;
constexpr std::uint64_t mask_attributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
// A device stays writable on a read-only mount; its mode and owner do not.
constexpr std::uint32_t null_attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

// The kernel's dev_t, as mknod(2) takes it.
long device_number(std::uint32_t major, std::uint32_t minor) {
    return static_cast<long>((minor & 0xff) | (major & 0xfff) << 8 | std::uint64_t{minor & ~0xffu} << 12 |
                             std::uint64_t{major & ~0xfffu} << 32);
}

bool same_device(const struct statx& status, const plan::MakeDevice& op) {
    return (status.stx_mode & kind_bits) == (op.mode & kind_bits) && status.stx_rdev_major == op.major &&
           status.stx_rdev_minor == op.minor;
}

constexpr plan::MakeDevice null_device{{}, character_device, 1, 3, 0, 0};

bool is_null(int fd) {
    struct statx status {};
    return raw::statx(fd, &status) == 0 && same_device(status, null_device);
}

// The container's null device, open; -ENODEV if something else has its name (CVE-2026-88265). It is checked
// before it is opened, because opening a device of an image may have any effect.
long open_null(const StageContext& stage, plan::Path path) {
    const ParentDirectory place = parent_of(stage, path);
    const raw::Handle directory(place.directory);
    if (place.directory < 0) return place.directory;
    const raw::Handle found(raw::openat(directory.number(), place.name, O_PATH | O_NOFOLLOW));
    if (found.number() < 0) return found.number();
    if (!is_null(found.number())) return -ENODEV;
    raw::Handle null(raw::openat(directory.number(), place.name, O_RDWR | O_NOFOLLOW | O_NOCTTY));
    if (null.number() < 0) return null.number();
    return is_null(null.number()) ? null.release() : -ENODEV;
}

// An empty directory that nobody can write: one tmpfs for all masks, attached at its first target and cloned
// from there, because a mount that is still detached can be cloned only since 6.15.
long empty_directory() {
    const raw::Handle context(raw::call(__NR_fsopen, "tmpfs", long{FSOPEN_CLOEXEC}));
    if (context.number() < 0) return context.number();
    const struct {
        const char* key;
        const char* value;
    } options[] = {{"source", "tmpfs"}, {"nr_blocks", "1"}, {"nr_inodes", "1"}, {"mode", "555"}};
    for (const auto& option : options) {
        const long set = raw::fsconfig(context.number(), FSCONFIG_SET_STRING, option.key, option.value);
        if (set < 0) return set;
    }
    const long made = raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr);
    if (made < 0) return made;
    return raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC},
                     static_cast<long>(mask_attributes));
}

// Attaches a clone and records the clone's descriptor and number.
Outcome attach_clone(StageContext& stage, int mount, int target, plan::Anchor anchor) {
    const raw::Handle clone(raw::clone_tree(mount, false));
    ATTEMPT(clone.number(), open_tree);
    ATTEMPT(raw::attach(clone.number(), target), move_mount);
    return remember(stage, anchor, clone.number(), false);
}

Outcome mask_directory(StageContext& stage, int target, plan::Anchor anchor) {
    if (stage.mask >= 0) return attach_clone(stage, stage.mask, target, anchor);
    const long empty = empty_directory();
    ATTEMPT(empty, fsmount);
    stage.mask = static_cast<int>(empty);
    ATTEMPT(raw::attach(stage.mask, target), move_mount);
    return remember(stage, anchor, stage.mask, false);
}

// The container's own null device: the host's would let it change the mode of the machine's /dev/null. What
// the image or a bind mount calls /dev/null may be anything, so the stage checks it by descriptor
// (CVE-2025-31133).
Outcome mask_file(StageContext& stage, int target, const plan::MaskPath& op) {
    if (stage.null >= 0) return attach_clone(stage, stage.null, target, op.anchor);
    const raw::Handle null(open_path(stage, op.null));
    ATTEMPT(null.number(), openat2);
    struct statx status {};
    ATTEMPT(raw::statx(null.number(), &status), fstat);
    if (!same_device(status, null_device)) return {ENODEV, plan::Call::check};
    raw::Handle clone(raw::clone_tree(null.number(), false));
    ATTEMPT(clone.number(), open_tree);
    stage.null = clone.release();
    const Change change{.attributes = {.set = null_attributes}};
    if (const Outcome attached = attach_changed(stage, stage.null, target, change); !attached)
        return attached;
    return remember(stage, op.anchor, stage.null, false);
}

}  // namespace

// A node that exists already stays as it is, if it is the same one (config-linux.md, "Devices"; runc keeps
// any other as well). The owner of a new one is set by its descriptor, because its name may lead to another
// by then.
Outcome apply(StageContext& stage, const plan::MakeDevice& op) {
    const ParentDirectory place = parent_of(stage, op.path);
    const raw::Handle directory(place.directory);
    ATTEMPT(place.directory, openat2);
    const long made = raw::call(__NR_mknodat, long{directory.number()}, place.name, long{op.mode},
                                device_number(op.major, op.minor));
    if (made < 0 && made != -EEXIST) return outcome(made, plan::Call::mknodat);
    // A directory with the set-group-ID bit gives the node its group; with 0666 nobody gains anything by
    // that.
    if (made == 0 && op.uid == 0 && op.gid == 0 && (op.mode & permission_bits) == 0666) return {};
    const raw::Handle node(raw::openat(directory.number(), place.name, O_PATH | O_NOFOLLOW));
    ATTEMPT(node.number(), openat);
    struct statx status {};
    ATTEMPT(raw::statx(node.number(), &status), fstat);
    if (!same_device(status, op)) return {EEXIST, plan::Call::mknodat};
    if (made < 0 || (status.stx_uid == op.uid && status.stx_gid == op.gid)) return {};
    return outcome(
        raw::call(__NR_fchownat, long{node.number()}, "", long{op.uid}, long{op.gid}, long{AT_EMPTY_PATH}),
        plan::Call::fchown);
}

Outcome apply(StageContext& stage, const plan::MakeLink& op) {
    const char* leads_to = stage.arena.text(op.target);
    if (leads_to[0] == '/') {  // runtime-linux.md: only if the source exists
        const raw::Handle source(open_path(stage, op.source));
        if (source.number() == -ENOENT) return {};
    }
    const ParentDirectory place = parent_of(stage, op.path);
    const raw::Handle directory(place.directory);
    ATTEMPT(place.directory, openat2);
    const long made = raw::call(__NR_symlinkat, leads_to, long{directory.number()}, place.name);
    if (made == -EEXIST) return {};  // the image has its own; a link there harms only the container
    return outcome(made, plan::Call::symlinkat);
}

// If the container has no null device, the caller's stays: a closed descriptor would be worse.
Outcome apply(StageContext& stage, const plan::ReplaceNull& op) {
    for (int fd = 0; fd <= 2; ++fd) {
        if (!is_null(fd)) continue;
        const raw::Handle null(open_null(stage, op.null));
        if (null.number() < 0) return {};
        ATTEMPT(raw::call(__NR_dup3, long{null.number()}, long{fd}, 0L), dup3);
    }
    return {};
}

// Checks the path before it mounts: a discarded mount waits for RCU, 3 us on an idle machine and 40 us on a
// busy one.
Outcome apply(StageContext& stage, const plan::MaskPath& op) {
    const raw::Handle target(open_path(stage, op.path));
    if (is_missing(target.number())) return {};
    ATTEMPT(target.number(), openat2);
    struct statx status {};
    ATTEMPT(raw::statx(target.number(), &status), fstat);
    if ((status.stx_mode & kind_bits) == directory_kind)
        return mask_directory(stage, target.number(), op.anchor);
    return mask_file(stage, target.number(), op);
}

Outcome apply(StageContext& stage, const plan::ProtectPath& op) {
    const raw::Handle target(open_path(stage, op.path));
    if (is_missing(target.number())) return {};
    ATTEMPT(target.number(), openat2);
    raw::Handle clone(raw::clone_tree(target.number(), true));
    ATTEMPT(clone.number(), open_tree);
    const Change change{.attributes = {.set_tree = MOUNT_ATTR_RDONLY}};
    if (const Outcome attached = attach_changed(stage, clone.number(), target.number(), change); !attached)
        return attached;
    if (op.anchor.index == 0) return {};
    return remember(stage, op.anchor, clone.release(), true);
}

}  // namespace bulkhead::rootfs
