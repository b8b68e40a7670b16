// SPDX-License-Identifier: Apache-2.0
// The file system of the notify socket, in the stage. It is the container's own, so nothing in it has to be
// removed from the host, and it fills no file system of the host.
#include <asm/errno.h>
#include <linux/un.h>

#include "rootfs/in_root.hpp"
#include "rootfs/init_anchor.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr long unix_domain = 1;  // AF_UNIX
constexpr std::uint32_t harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// bind(2) has no directory but the working directory. Later steps use the root's descriptor, or change the
// working directory themselves (PivotRoot, ChangeRoot).
Outcome bind_in(int directory, int socket, int root) {
    const sockaddr_un address{unix_domain, "notify.sock"};
    ATTEMPT(raw::call(__NR_fchdir, long{directory}), fchdir);
    const long bound = raw::call(__NR_bind, long{socket}, &address, static_cast<long>(sizeof address));
    ATTEMPT(raw::call(__NR_fchdir, long{root}), fchdir);
    return outcome(bound, plan::Call::bind);
}

}  // namespace

// Attaches it before it binds the socket, for security modules that need a path, and makes it read-only after
// that.
Outcome apply(StageContext& stage, const plan::MountNotifySocket& op) {
    const Target place = find_target(stage, op.target, Missing::directory, false);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    struct statx found {};
    ATTEMPT(raw::statx(target.number(), &found), fstat);
    if ((found.stx_mode & kind_bits) != directory_kind) return {ENOTDIR, plan::Call::move_mount};
    const raw::Handle context(raw::call(__NR_fsopen, "tmpfs", long{FSOPEN_CLOEXEC}));
    ATTEMPT(context.number(), fsopen);
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_SET_STRING, "source", "notify"), fsconfig);
    if (const Outcome set = configure_all(stage.arena, context.number(), op.options); !set) return set;
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr), fsconfig);
    const raw::Handle mount(
        raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC}, long{harmless}));
    ATTEMPT(mount.number(), fsmount);
    ATTEMPT(raw::attach(mount.number(), target.number()), move_mount);
    if (const Outcome known = remember(stage, op.anchor, mount.number(), false); !known) return known;
    if (const Outcome bound = bind_in(mount.number(), stage.fd(op.socket), stage.root); !bound) return bound;
    return change_mount(stage, mount.number(), {.attributes = {.set = MOUNT_ATTR_RDONLY}});
}

}  // namespace bulkhead::rootfs
