// SPDX-License-Identifier: Apache-2.0
// Before 5.14 a mount is changed by mount(2), and only if it is attached in our own mount namespace. So a
// detached one is first attached over "/", for the length of the step: nobody but the stage is in this
// namespace, "/" sends nothing to another (IsolateMounts), and no path is walked meanwhile. From there it is
// moved to its target, with everything in force. The result is the same as with mount_setattr(2), also at a
// shared target, whose peers copy the mount as it arrives.
#include <asm/errno.h>

#include "base/resolve.hpp"
#include "rootfs/init_change.hpp"
#include "rootfs/init_mount_table.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// ---- attributes -----------------------------------------------------------------------------------------

// The same attribute for mount(2) and mount_setattr(2). The access time is a field of its own.
constexpr struct {
    long mount;
    std::uint32_t attribute;
} flags[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY},         {MS_NOSUID, MOUNT_ATTR_NOSUID},
    {MS_NODEV, MOUNT_ATTR_NODEV},           {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

long mount_flags(std::uint32_t attributes) {
    const std::uint32_t atime = attributes & MOUNT_ATTR__ATIME;
    long result = atime == MOUNT_ATTR_NOATIME       ? long{MS_NOATIME}
                  : atime == MOUNT_ATTR_STRICTATIME ? long{MS_STRICTATIME}
                                                    : long{MS_RELATIME};
    for (const auto& flag : flags)
        if ((attributes & flag.attribute) != 0) result |= flag.mount;
    return result;
}

// ---- by name --------------------------------------------------------------------------------------------

// "fd/7": a descriptor below our own directory of procfs, which is the working directory then. Its last
// component is no path to walk but the mount itself.
class Name {
  public:
    explicit Name(int descriptor) {
        char digits[12];
        std::size_t count = 0;
        do digits[count++] = static_cast<char>('0' + descriptor % 10);
        while ((descriptor /= 10) != 0);
        for (char* to = text_ + 3; count > 0; ++to) *to = digits[--count];
    }
    const char* text() const { return text_; }

  private:
    char text_[16] = "fd/";
};

long call_mount(const StageContext& stage, int mount, long mount_flags) {
    const long entered = raw::call(__NR_fchdir, long{stage.self});
    if (entered < 0) return entered;
    return raw::call(__NR_mount, "", Name(mount).text(), "", mount_flags, 0L);
}

// mount(2) sets all flags at once, so this begins with the present ones.
Outcome change_alone(const StageContext& stage, int mount, std::uint32_t set, std::uint32_t clear) {
    struct statx status {};
    ATTEMPT(raw::statx(mount, &status), fstat);
    MountTable table(stage.self);
    ATTEMPT(table.opened(), openat);
    MountLine line;
    long more = 0;
    while ((more = table.next(line)) > 0)
        if (line.id == status.stx_mnt_id)
            return outcome(remount_as(stage, mount, (line.attributes & ~clear) | set), plan::Call::mount);
    ATTEMPT(more, read);
    return {EINVAL, plan::Call::check};  // it is not in our mount namespace
}

Outcome spread(const StageContext& stage, int mount, plan::Numbers propagation) {
    for (std::uint32_t i = 0; i < propagation.count; ++i)
        ATTEMPT(call_mount(stage, mount, long{stage.arena.numbers(propagation)[i]}), mount);
    return {};
}

bool is_empty(const Change& change) {
    return change.attributes == plan::MountAttributes{} && change.propagation.count == 0;
}

// ---- over "/" -------------------------------------------------------------------------------------------

Outcome change_and_move(const StageContext& stage, int mount, int target, const Change& change) {
    if (const Outcome changed = change_mount_by_name(stage, mount, change); !changed) return changed;
    return outcome(raw::attach(mount, target), plan::Call::move_mount);
}

// A failed change must leave nothing over "/", because the namespace may be a joined one.
Outcome attach_directory(const StageContext& stage, int mount, int target, const Change& change) {
    ATTEMPT(attach_over_root(mount), move_mount);
    const Outcome moved = change_and_move(stage, mount, target, change);
    if (!moved) (void)uncover_root(mount);
    return moved;
}

// A mount of a file needs a file to stand on.
Outcome change_in(int cover, const StageContext& stage, int mount, int target, const Change& change) {
    ATTEMPT(raw::call(__NR_mknodat, long{cover}, "file", long{regular_kind}, 0L), mknodat);
    const raw::Handle place(raw::openat(cover, "file", O_PATH | O_NOFOLLOW));
    ATTEMPT(place.number(), openat);
    ATTEMPT(raw::attach(mount, place.number()), move_mount);
    return change_and_move(stage, mount, target, change);
}

Outcome attach_file(const StageContext& stage, int mount, int target, const Change& change) {
    int covered = -1;
    if (const Outcome ready = cover_root("4k", covered); !ready) return ready;
    const raw::Handle cover(covered);
    const Outcome moved = change_in(covered, stage, mount, target, change);
    const Outcome uncovered = uncover_root(covered);
    return moved ? uncovered : moved;
}

}  // namespace

long remount_as(const StageContext& stage, int mount, std::uint32_t attributes) {
    return call_mount(stage, mount, MS_REMOUNT | MS_BIND | mount_flags(attributes));
}

Outcome change_mount_by_name(const StageContext& stage, int mount, const Change& change) {
    const auto& [set, clear, set_tree, clear_tree] = change.attributes;
    if ((set | clear) != 0)
        if (const Outcome changed = change_alone(stage, mount, set, clear); !changed) return changed;
    if ((set_tree | clear_tree) != 0)
        if (const Outcome changed = change_tree_by_name(stage, mount, change.attributes); !changed)
            return changed;
    return spread(stage, mount, change.propagation);
}

Outcome attach_changed_by_name(const StageContext& stage, int mount, int target, const Change& change) {
    if (is_empty(change)) return outcome(raw::attach(mount, target), plan::Call::move_mount);
    struct statx status {};
    ATTEMPT(raw::statx(mount, &status), fstat);
    const bool directory = (status.stx_mode & kind_bits) == directory_kind;
    return directory ? attach_directory(stage, mount, target, change)
                     : attach_file(stage, mount, target, change);
}

Outcome apply(StageContext& stage, const plan::OpenSelf&) {
    const long self = raw::open_below(stage.procfs, "self", O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    ATTEMPT(self, openat2);
    stage.self = static_cast<int>(self);
    return {};
}

}  // namespace bulkhead::rootfs
