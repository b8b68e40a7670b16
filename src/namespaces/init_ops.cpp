// SPDX-License-Identifier: Apache-2.0
#include "namespaces/init_ops.hpp"

#include <asm/errno.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>

#include "base/resolve.hpp"

namespace bulkhead::namespaces {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// struct ifreq of SIOCGIFFLAGS and SIOCSIFFLAGS; linux/if.h needs libc's sockaddr.
struct InterfaceFlags {
    char name[16];
    short flags;
    char rest[22];
};
static_assert(sizeof(InterfaceFlags) == 40);

}  // namespace

Outcome apply(StageContext& stage, const plan::JoinNamespace& op) {
    if (op.flag == CLONE_NEWPID) stage.joined_pids = stage.fd(op.file);
    return outcome(raw::call(__NR_setns, long{stage.fd(op.file)}, long{op.flag}), plan::Call::setns);
}

Outcome apply(StageContext& stage, const plan::JoinContainer& op) {
    ATTEMPT(raw::call(__NR_setns, long{stage.fd(op.process)}, static_cast<long>(op.flags)), setns);
    if ((op.flags & CLONE_NEWNS) == 0) return {};
    const long root = raw::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    ATTEMPT(root, openat);
    stage.root = static_cast<int>(root);
    return {};
}

Outcome apply(StageContext&, const plan::AssumeIds& op) {
    const long gid = op.gid, uid = op.uid;
    ATTEMPT(raw::call(__NR_setresgid, gid, gid, gid), setresgid);
    return outcome(raw::call(__NR_setresuid, uid, uid, uid), plan::Call::setresuid);
}

// The file of an undumpable process belongs to the host's root, so the stage is dumpable for the opening.
Outcome apply(StageContext& stage, const plan::SetTimeOffsets& op) {
    ATTEMPT(raw::call(__NR_prctl, long{PR_SET_DUMPABLE}, 1L, 0L, 0L, 0L), prctl);
    const raw::Handle file(
        raw::open_below(stage.procfs, "self/timens_offsets", O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
    ATTEMPT(raw::call(__NR_prctl, long{PR_SET_DUMPABLE}, 0L, 0L, 0L, 0L), prctl);
    ATTEMPT(file.number(), openat2);
    return outcome(
        raw::call(__NR_write, long{file.number()}, stage.arena.text(op.lines), long{op.lines.size}),
        plan::Call::write);
}

Outcome apply(StageContext&, const plan::UnshareNamespaces& op) {
    return outcome(raw::call(__NR_unshare, static_cast<long>(op.flags)), plan::Call::unshare);
}

Outcome apply(StageContext&, const plan::RaiseLoopback&) {
    constexpr long inet = 2, datagram_cloexec = 2 | 02000000;
    constexpr short up = 1;  // IFF_UP
    const raw::Handle socket(raw::call(__NR_socket, inet, datagram_cloexec, 0L));
    ATTEMPT(socket.number(), socket);
    InterfaceFlags loopback{"lo", 0, {}};
    ATTEMPT(raw::call(__NR_ioctl, long{socket.number()}, long{SIOCGIFFLAGS}, &loopback), ioctl);
    loopback.flags = static_cast<short>(loopback.flags | up);
    return outcome(raw::call(__NR_ioctl, long{socket.number()}, long{SIOCSIFFLAGS}, &loopback),
                   plan::Call::ioctl);
}

Outcome apply(StageContext& stage, const plan::SetHostname& op) {
    return outcome(raw::call(__NR_sethostname, stage.arena.text(op.name), long{op.name.size}),
                   plan::Call::sethostname);
}

Outcome apply(StageContext& stage, const plan::SetDomainname& op) {
    return outcome(raw::call(__NR_setdomainname, stage.arena.text(op.name), long{op.name.size}),
                   plan::Call::setdomainname);
}

// Writes through the procfs of OpenProcfs. No part of the path may be a link or another mount, because a
// write that reaches another parameter may change the host (CVE-2025-52881).
Outcome apply(StageContext& stage, const plan::SetSysctl& op) {
    constexpr std::uint64_t strictly = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    const raw::Handle tree(raw::open_below(stage.procfs, "sys", O_PATH | O_DIRECTORY, strictly));
    ATTEMPT(tree.number(), openat2);
    const raw::Handle file(raw::open_below(tree.number(), stage.arena.text(op.path), O_WRONLY, strictly));
    ATTEMPT(file.number(), openat2);
    const long written =
        raw::call(__NR_write, long{file.number()}, stage.arena.text(op.value), long{op.value.size});
    ATTEMPT(written, write);
    // Some parameters take only the beginning of a value (64 bytes of text). That counts as a refusal.
    return written == long{op.value.size} ? Outcome{} : Outcome{EINVAL, plan::Call::write};
}

}  // namespace bulkhead::namespaces
