// SPDX-License-Identifier: Apache-2.0
// Gives up privileges in the only possible order: bounding set, groups, group, user, capabilities. Each step
// needs a capability that a later one takes away.
#include <asm/errno.h>
#include <linux/prctl.h>

#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

long prctl(long option, long a = 0, long b = 0) { return raw::call(__NR_prctl, option, a, b, 0L, 0L); }

constexpr std::uint32_t low(std::uint64_t set) { return static_cast<std::uint32_t>(set); }
constexpr std::uint32_t high(std::uint64_t set) { return static_cast<std::uint32_t>(set >> 32); }

long set_capabilities(const plan::SetCapabilities& op) {
    const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct sets[2] = {
        {low(op.effective), low(op.permitted), low(op.inheritable)},
        {high(op.effective), high(op.permitted), high(op.inheritable)},
    };
    return raw::call(__NR_capset, &header, sets);
}

bool may_set_groups() {
    constexpr std::uint32_t setgid = 1u << 6;  // CAP_SETGID
    const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    return raw::call(__NR_capget, &header, sets) == 0 && (sets[0].effective & setgid) != 0;
}

}  // namespace

Outcome apply(StageContext&, const plan::LimitBounding& op) {
    for (std::uint32_t capability = 0; capability <= op.last; ++capability)
        if ((op.keep >> capability & 1) == 0) ATTEMPT(prctl(PR_CAPBSET_DROP, capability), prctl);
    return {};
}

// Runs for an empty list, too, because the caller's groups must not come along. If the kernel refuses
// although the stage has the capability, the stage is in a joined user namespace that denies setgroups to
// every process (user_namespaces(7)). The groups that could be dropped were dropped outside.
Outcome apply(StageContext& stage, const plan::SetGroups& op) {
    const long set = raw::call(__NR_setgroups, long{op.gids.count}, stage.arena.numbers(op.gids));
    if (set == -EPERM && op.gids.count == 0 && may_set_groups()) return {};
    return outcome(set, plan::Call::setgroups);
}

Outcome apply(StageContext&, const plan::SetIds& op) {
    ATTEMPT(prctl(PR_SET_KEEPCAPS, 1), prctl);
    const long gid = op.gid, uid = op.uid;
    ATTEMPT(raw::call(__NR_setresgid, gid, gid, gid), setresgid);
    ATTEMPT(raw::call(__NR_setresuid, uid, uid, uid), setresuid);
    const bool taken = raw::call(__NR_geteuid) == uid && raw::call(__NR_getegid) == gid;
    return taken ? Outcome{} : Outcome{EPERM, plan::Call::check};
}

Outcome apply(StageContext&, const plan::SetCapabilities& op) {
    ATTEMPT(set_capabilities(op), capset);
    ATTEMPT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL), prctl);
    for (long capability = 0; capability < 64; ++capability)
        if (op.ambient >> capability & 1)
            ATTEMPT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability), prctl);
    ATTEMPT(prctl(PR_SET_KEEPCAPS, 0), prctl);
    // A change of credentials sets dumpable to fs.suid_dumpable, which may be 1.
    return outcome(prctl(PR_SET_DUMPABLE, 0), plan::Call::prctl);
}

Outcome apply(StageContext&, const plan::ForbidNewPrivileges&) {
    return outcome(prctl(PR_SET_NO_NEW_PRIVS, 1), plan::Call::prctl);
}

}  // namespace bulkhead::process
