// SPDX-License-Identifier: Apache-2.0
// Mounting in the stage. A mount gets all its options and attributes while nothing can reach it, and is
// attached at an open descriptor (CVE-2021-30465).
#include <asm/errno.h>

#include "rootfs/copy_up_limits.hpp"
#include "rootfs/in_root.hpp"
#include "rootfs/init_anchor.hpp"
#include "rootfs/init_filesystem.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

bool is_directory(const struct statx& status) { return (status.stx_mode & kind_bits) == directory_kind; }

// Sets `key` to a number, which a later option of the config may change.
long configure_number(int context, const char* key, unsigned value, unsigned base) {
    char digits[16] = {};
    char* first = digits + sizeof digits - 1;
    do *--first = static_cast<char>('0' + value % base);
    while ((value /= base) != 0);
    return raw::fsconfig(context, FSCONFIG_SET_STRING, key, first);
}

// A tmpfs takes over the permissions of the directory it covers, as runc does, and with its content
// (tmpcopyup) the owner; an explicit mode= or uid= comes later and wins.
Outcome inherit(int context, const struct statx& below, bool with_owner) {
    ATTEMPT(configure_number(context, "mode", below.stx_mode & permission_bits, 8), fsconfig);
    if (!with_owner) return {};
    ATTEMPT(configure_number(context, "uid", below.stx_uid, 10), fsconfig);
    return outcome(configure_number(context, "gid", below.stx_gid, 10), plan::Call::fsconfig);
}

// The attributes that fsmount(2) cannot set yet: a tmpfs with tmpcopyup becomes read-only after it is filled,
// and nosymfollow came to fsmount together with mount_setattr(2).
std::uint32_t late_attributes(const StageContext& stage, const plan::MountFilesystem& op) {
    std::uint32_t late = 0;
    if (op.copy_up != 0) late |= MOUNT_ATTR_RDONLY;
    if (changes_by_name(stage)) late |= MOUNT_ATTR_NOSYMFOLLOW;
    return op.attributes & late;
}

// The file system's own options, and the mount of it, attached nowhere: or -errno, with the call in `call`.
long make_mount(StageContext& stage, const plan::MountFilesystem& op, int context, plan::Call& call) {
    call = plan::Call::fsconfig;
    if (const Outcome set = configure_all(stage.arena, context, op.options); !set) return -set.error;
    const long made = raw::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr);
    if (made < 0) return made;
    call = plan::Call::fsmount;
    return raw::call(__NR_fsmount, long{context}, long{FSMOUNT_CLOEXEC},
                     static_cast<long>(op.attributes & ~late_attributes(stage, op)));
}

// tmpcopyup. If the config gives the tmpfs a size, that is the limit, unless it is 0, which means no limit
// (tmpfs(5)).
Outcome fill(const plan::MountFilesystem& op, int from, int to) {
    raw::Filesystem filesystem{};
    ATTEMPT(raw::fstatfs(to, &filesystem), fstat);
    const bool limited = op.sized != 0 && filesystem.blocks != 0;
    return copy_up(from, to, limited ? ~std::uint64_t{0} : copy_byte_limit);
}

}  // namespace

long configure(int context, char* option) {
    char* separator = option;
    while (*separator != '\0' && *separator != '=') ++separator;
    if (*separator == '\0') return raw::fsconfig(context, FSCONFIG_SET_FLAG, option, nullptr);
    *separator = '\0';
    const long result = raw::fsconfig(context, FSCONFIG_SET_STRING, option, separator + 1);
    *separator = '=';
    return result;
}

Outcome configure_all(plan::ArenaView arena, int context, plan::Texts options) {
    for (std::uint32_t i = 0; i < options.count; ++i)
        ATTEMPT(configure(context, arena.text(arena.texts(options)[i])), fsconfig);
    return {};
}

Outcome apply(StageContext& stage, const plan::MountFilesystem& op) {
    const bool plain = op.plain_target_only != 0;
    const Target place = find_target(stage, op.target, Missing::directory, plain);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if (!is_directory(found)) return {ENOTDIR, plan::Call::move_mount};  // the kernel would only say EINVAL
    const raw::Handle context(open_filesystem(stage, stage.arena.text(op.type)));
    ATTEMPT(context.number(), fsopen);
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_SET_STRING, "source", stage.arena.text(op.source)),
            fsconfig);
    if (op.inherit_mode != 0 && !place.made)
        if (const Outcome set = inherit(context.number(), found, op.copy_up != 0); !set) return set;
    plan::Call call{};
    raw::Handle mount(make_mount(stage, op, context.number(), call));
    if (mount.number() < 0) return outcome(mount.number(), call);
    if (op.copy_up != 0)
        if (const Outcome filled = fill(op, target.number(), mount.number()); !filled) return filled;
    const Change change{{.set = late_attributes(stage, op)}, op.propagation};
    if (const Outcome attached = attach_changed(stage, mount.number(), target.number(), change); !attached)
        return attached;
    const int fd = op.kept != 0 ? mount.release() : mount.number();
    if (op.anchor.index != 0) stage.anchors[op.anchor.index].plain = plain;
    return remember(stage, op.anchor, fd, op.kept != 0);
}

Outcome apply(StageContext& stage, const plan::AttachTree& op) {
    struct statx status {};
    ATTEMPT(raw::statx(stage.fd(op.tree), &status), fstat);
    const Missing kind = is_directory(status) ? Missing::directory : Missing::file;
    const Target place = find_target(stage, op.target, kind, false);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if (((found.stx_mode ^ status.stx_mode) & kind_bits) != 0 &&
        (is_directory(found) || is_directory(status)))
        return {ENOTDIR, plan::Call::move_mount};  // the kernel would only say EINVAL
    const Change change{op.attributes, op.propagation};
    if (const Outcome attached = attach_changed(stage, stage.fd(op.tree), target.number(), change); !attached)
        return attached;
    return remember(stage, op.anchor, stage.fd(op.tree), true);
}

Outcome apply(StageContext& stage, const plan::MakeDirectory& op) {
    const bool kept = op.anchor.index != 0;
    const Target place = kept ? find_target(stage, op.path, Missing::directory, false)
                              : make_path(stage, op.path, Missing::directory);
    raw::Handle made(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    if (kept) stage.anchors[op.anchor.index].fd = made.release();
    return {};
}

}  // namespace bulkhead::rootfs
