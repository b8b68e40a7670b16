// SPDX-License-Identifier: Apache-2.0
// Sets up session, limits, working directory and umask, in the stage.
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>

#include "base/resolve.hpp"
#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

Outcome apply(StageContext&, const plan::JoinKeyring&) {
    const long joined = raw::call(__NR_keyctl, long{KEYCTL_JOIN_SESSION_KEYRING}, 0L);
    // Without keyrings in the kernel, or with a caller confined by seccomp, there are no keys to hide.
    if (joined == -ENOSYS || joined == -EPERM) return {};
    ATTEMPT(joined, keyctl);
    // Only a possessor may use the keyring. By default a process of the same user may view and read it by its
    // number, and root of every container is the same user.
    constexpr long possessor_only = 0x3f000000;
    return outcome(raw::call(__NR_keyctl, long{KEYCTL_SETPERM}, joined, possessor_only), plan::Call::keyctl);
}

Outcome apply(StageContext&, const plan::StartSession&) {
    return outcome(raw::call(__NR_setsid), plan::Call::setsid);
}

Outcome apply(StageContext& stage, const plan::TakeStdio& op) {
    ATTEMPT(raw::call(__NR_dup3, long{stage.fd(op.input)}, 0L, 0L), dup3);
    ATTEMPT(raw::call(__NR_dup3, long{stage.fd(op.output)}, 1L, 0L), dup3);
    return outcome(raw::call(__NR_dup3, long{stage.fd(op.output)}, 2L, 0L), plan::Call::dup3);
}

// A host that died before this prctl has closed its end of the socket.
Outcome apply(StageContext& stage, const plan::DieWithHost&) {
    constexpr long kill = 9;
    ATTEMPT(raw::call(__NR_prctl, long{PR_SET_PDEATHSIG}, kill, 0L, 0L, 0L), prctl);
    pollfd end{stage.report, POLLIN, 0};
    const __kernel_timespec at_once{};
    ATTEMPT(raw::call(__NR_ppoll, &end, 1L, &at_once, 0L, 0L), poll);
    return (end.revents & POLLHUP) == 0 ? Outcome{} : Outcome{ECANCELED, plan::Call::poll};
}

Outcome apply(StageContext&, const plan::ClaimTerminal&) {
    return outcome(raw::call(__NR_ioctl, 0L, long{TIOCSCTTY}, 0L), plan::Call::ioctl);
}

Outcome apply(StageContext&, const plan::SetRlimit& op) {
    const rlimit64 limit{op.soft, op.hard};
    return outcome(raw::call(__NR_prlimit64, 0L, long{op.resource}, &limit, 0L), plan::Call::prlimit);
}

// Magic links do not resolve, and the kernel's name for the working directory must begin with "/": a
// directory of the host would read "(unreachable)" (CVE-2024-21626).
Outcome apply(StageContext& stage, const plan::EnterDirectory& op) {
    const raw::Handle directory(raw::open_from_root(stage.arena.text(op.path), O_PATH | O_DIRECTORY));
    ATTEMPT(directory.number(), openat2);
    ATTEMPT(raw::call(__NR_fchdir, long{directory.number()}), fchdir);
    char path[4096] = {};
    ATTEMPT(raw::call(__NR_getcwd, path, sizeof path), getcwd);
    return path[0] == '/' ? Outcome{} : Outcome{ENOENT, plan::Call::getcwd};
}

Outcome apply(StageContext&, const plan::OwnStdio& op) {
    constexpr unsigned kind_bits = 0170000, pipe = 0010000, socket = 0140000;
    constexpr long same_group = -1;
    for (int fd = 0; fd <= 2; ++fd) {
        struct statx status {};
        ATTEMPT(raw::statx(fd, &status), fstat);
        const unsigned kind = status.stx_mode & kind_bits;
        if ((kind != pipe && kind != socket) || status.stx_uid == op.uid) continue;
        const long owned = raw::call(__NR_fchown, long{fd}, long{op.uid}, same_group);
        if (owned != -EPERM && owned != -EINVAL && owned != -EROFS)
            ATTEMPT(owned, fchown);  // runc ignores these errors too
    }
    return {};
}

Outcome apply(StageContext&, const plan::SetUmask& op) {
    raw::call(__NR_umask, long{op.mask});
    return {};
}

}  // namespace bulkhead::process
