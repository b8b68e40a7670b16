// SPDX-License-Identifier: Apache-2.0
// Mounting in the stage. A mount gets all its options and attributes while nothing can reach it, and is
// attached at an open descriptor (CVE-2021-30465).
#include <asm/errno.h>

#include "rootfs/in_root.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr long ms_private_recursive = (1L << 18) | 16384;  // MS_PRIVATE | MS_REC
constexpr unsigned permission_bits = 07777, kind_bits = 0170000, directory_kind = 0040000;

bool is_directory(const struct statx& status) { return (status.stx_mode & kind_bits) == directory_kind; }

// "key=value" sets a string, "key" a flag. The string is split in place and made whole again.
long configure(int context, char* option) {
    char* separator = option;
    while (*separator != '\0' && *separator != '=') ++separator;
    if (*separator == '\0') return raw::fsconfig(context, FSCONFIG_SET_FLAG, option, nullptr);
    *separator = '\0';
    const long result = raw::fsconfig(context, FSCONFIG_SET_STRING, option, separator + 1);
    *separator = '=';
    return result;
}

// A tmpfs takes over the permissions of the directory it covers, as runc does; an explicit mode= comes later
// and wins.
Outcome inherit_mode(int context, int target) {
    struct statx status {};
    ATTEMPT(raw::statx(target, &status), fstat);
    char digits[5] = {};
    unsigned mode = status.stx_mode & permission_bits;
    for (int i = 3; i >= 0; --i, mode >>= 3) digits[i] = static_cast<char>('0' + (mode & 7));
    return outcome(raw::fsconfig(context, FSCONFIG_SET_STRING, "mode", digits), plan::Call::fsconfig);
}

}  // namespace

Outcome apply(StageContext&, const plan::IsolateMounts&) {
    return outcome(raw::call(__NR_mount, "", "/", "", ms_private_recursive, 0L), plan::Call::mount);
}

Outcome apply(StageContext& stage, const plan::AttachRoot& op) {
    stage.root = stage.fd(op.tree);
    return outcome(
        raw::call(__NR_move_mount, long{stage.root}, "", long{AT_FDCWD}, "/", long{MOVE_MOUNT_F_EMPTY_PATH}),
        plan::Call::move_mount);
}

Outcome apply(StageContext& stage, const plan::MountFilesystem& op) {
    const bool plain = op.plain_target_only != 0;
    const Target place = make_in_root(stage.root, stage.arena.text(op.target), Missing::directory, plain);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if (!is_directory(found)) return {ENOTDIR, plan::Call::move_mount};  // the kernel would only say EINVAL
    const raw::Handle context(raw::call(__NR_fsopen, stage.arena.text(op.type), long{FSOPEN_CLOEXEC}));
    ATTEMPT(context.number(), fsopen);
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_SET_STRING, "source", stage.arena.text(op.source)),
            fsconfig);
    if (op.inherit_mode != 0 && !place.made)
        if (const Outcome inherited = inherit_mode(context.number(), target.number()); !inherited)
            return inherited;
    for (std::uint32_t i = 0; i < op.options.count; ++i)
        ATTEMPT(configure(context.number(), stage.arena.text(stage.arena.texts(op.options)[i])), fsconfig);
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr), fsconfig);
    const raw::Handle mount(raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC},
                                      static_cast<long>(op.attributes)));
    ATTEMPT(mount.number(), fsmount);
    return outcome(raw::attach(mount.number(), target.number()), plan::Call::move_mount);
}

Outcome apply(StageContext& stage, const plan::AttachTree& op) {
    struct statx status {};
    ATTEMPT(raw::statx(stage.fd(op.tree), &status), fstat);
    const Missing kind = is_directory(status) ? Missing::directory : Missing::file;
    const Target place = make_in_root(stage.root, stage.arena.text(op.target), kind);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if (((found.stx_mode ^ status.stx_mode) & kind_bits) != 0 &&
        (is_directory(found) || is_directory(status)))
        return {ENOTDIR, plan::Call::move_mount};  // the kernel would only say EINVAL
    return outcome(raw::attach(stage.fd(op.tree), target.number()), plan::Call::move_mount);
}

Outcome apply(StageContext& stage, const plan::MakeDirectory& op) {
    const Target place = make_in_root(stage.root, stage.arena.text(op.path), Missing::directory);
    const raw::Handle made(place.fd);
    return outcome(place.fd, place.call);
}

Outcome apply(StageContext& stage, const plan::ProtectRoot&) {
    return outcome(raw::set_mount_attributes(stage.root, false, MOUNT_ATTR_RDONLY),
                   plan::Call::mount_setattr);
}

// The new root covers the old one, and the old one leaves the namespace: no path leads to the host any more.
Outcome apply(StageContext& stage, const plan::PivotRoot& op) {
    constexpr long detach = 2;  // MNT_DETACH
    ATTEMPT(raw::call(__NR_fchdir, long{stage.fd(op.tree)}), fchdir);
    ATTEMPT(raw::call(__NR_pivot_root, ".", "."), pivot_root);
    ATTEMPT(raw::call(__NR_umount2, ".", detach), umount);
    ATTEMPT(raw::call(__NR_chdir, "/"), fchdir);
    return {};
}

}  // namespace bulkhead::rootfs
