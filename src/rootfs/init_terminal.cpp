// SPDX-License-Identifier: Apache-2.0
// The container's terminal: a pty of its own devpts, taken by descriptor and verified (CVE-2025-52565), never
// by a name under /dev/pts.
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/termios.h>
#include <linux/magic.h>

#include "base/kernel.hpp"
#include "rootfs/in_root.hpp"
#include "rootfs/init_anchor.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr unsigned kind_bits = 0170000, character_device = 0020000;

// /dev/pts/ptmx of a devpts: inode 2, device 5:2. Nobody can make such a file but the kernel.
bool is_multiplexer(const struct statx& status) {
    return (status.stx_mode & kind_bits) == character_device && status.stx_ino == 2 &&
           status.stx_rdev_major == 5 && status.stx_rdev_minor == 2;
}

// Opens a new master, or -errno; `call` is the call that failed.
long open_master(const StageContext& stage, plan::Path path, plan::Call& call) {
    call = plan::Call::openat2;
    const raw::Handle terminals(open_path(stage, path));
    if (terminals.number() < 0) return terminals.number();
    call = plan::Call::check;
    const long type = raw::filesystem_type(terminals.number());
    if (type < 0) return type;
    if (type != kernel::devpts_super_magic) return -ENODEV;
    call = plan::Call::openat;
    raw::Handle master(raw::openat(terminals.number(), "ptmx", O_RDWR | O_NOFOLLOW | O_NOCTTY));
    if (master.number() < 0) return master.number();
    call = plan::Call::check;
    struct statx status {};
    const long stated = raw::statx(master.number(), &status);
    if (stated < 0) return stated;
    return is_multiplexer(status) ? master.release() : -ENODEV;
}

// Sends the master to the host, with a report.
long send_master(int report, int master) {
    plan::Report body{.kind = plan::ReportKind::terminal};
    return raw::send_descriptor(report, master, &body, sizeof body);
}

Outcome become_stdio(int slave) {
    for (long target = 0; target <= 2; ++target) ATTEMPT(raw::call(__NR_dup3, long{slave}, target, 0L), dup3);
    return {};
}

}  // namespace

Outcome apply(StageContext& stage, const plan::OpenTerminal& op) {
    plan::Call call{};
    const raw::Handle master(open_master(stage, op.terminals, call));
    if (master.number() < 0) return outcome(master.number(), call);
    const int unlocked = 0;
    ATTEMPT(raw::call(__NR_ioctl, long{master.number()}, long{TIOCSPTLCK}, &unlocked), ioctl);
    const raw::Handle slave(
        raw::call(__NR_ioctl, long{master.number()}, long{TIOCGPTPEER}, long{O_RDWR | O_NOCTTY | O_CLOEXEC}));
    ATTEMPT(slave.number(), ioctl);
    const winsize size{op.rows, op.columns, 0, 0};
    if (op.rows != 0 || op.columns != 0)
        ATTEMPT(raw::call(__NR_ioctl, long{master.number()}, long{TIOCSWINSZ}, &size), ioctl);
    constexpr long same_group = -1;
    ATTEMPT(raw::call(__NR_fchown, long{slave.number()}, long{op.uid}, same_group), fchown);
    ATTEMPT(send_master(stage.report, master.number()), sendmsg);
    return become_stdio(slave.number());
}

// Binds the terminal to a file that it makes, or that already is a plain entry of /dev.
Outcome apply(StageContext& stage, const plan::MountConsole& op) {
    constexpr int terminal = 0;
    const Target place = make_path(stage, op.place, Missing::file, true);
    const raw::Handle target(place.fd);
    if (place.fd < 0) return outcome(place.fd, place.call);
    const raw::Handle clone(raw::clone_tree(terminal, false));
    ATTEMPT(clone.number(), open_tree);
    ATTEMPT(raw::attach(clone.number(), target.number()), move_mount);
    return remember(stage, op.anchor, clone.number(), false);
}

}  // namespace bulkhead::rootfs
