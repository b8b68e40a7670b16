// SPDX-License-Identifier: Apache-2.0
#include "spec/capabilities.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <cstdint>

namespace bulkhead::spec {

constexpr std::array<CapabilityName, 41> capability_names = {{
    {"CAP_AUDIT_CONTROL", CAP_AUDIT_CONTROL},
    {"CAP_AUDIT_READ", CAP_AUDIT_READ},
    {"CAP_AUDIT_WRITE", CAP_AUDIT_WRITE},
    {"CAP_BLOCK_SUSPEND", CAP_BLOCK_SUSPEND},
    {"CAP_BPF", CAP_BPF},
    {"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
    {"CAP_CHOWN", CAP_CHOWN},
    {"CAP_DAC_OVERRIDE", CAP_DAC_OVERRIDE},
    {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
    {"CAP_FOWNER", CAP_FOWNER},
    {"CAP_FSETID", CAP_FSETID},
    {"CAP_IPC_LOCK", CAP_IPC_LOCK},
    {"CAP_IPC_OWNER", CAP_IPC_OWNER},
    {"CAP_KILL", CAP_KILL},
    {"CAP_LEASE", CAP_LEASE},
    {"CAP_LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE},
    {"CAP_MAC_ADMIN", CAP_MAC_ADMIN},
    {"CAP_MAC_OVERRIDE", CAP_MAC_OVERRIDE},
    {"CAP_MKNOD", CAP_MKNOD},
    {"CAP_NET_ADMIN", CAP_NET_ADMIN},
    {"CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE},
    {"CAP_NET_BROADCAST", CAP_NET_BROADCAST},
    {"CAP_NET_RAW", CAP_NET_RAW},
    {"CAP_PERFMON", CAP_PERFMON},
    {"CAP_SETFCAP", CAP_SETFCAP},
    {"CAP_SETGID", CAP_SETGID},
    {"CAP_SETPCAP", CAP_SETPCAP},
    {"CAP_SETUID", CAP_SETUID},
    {"CAP_SYSLOG", CAP_SYSLOG},
    {"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
    {"CAP_SYS_BOOT", CAP_SYS_BOOT},
    {"CAP_SYS_CHROOT", CAP_SYS_CHROOT},
    {"CAP_SYS_MODULE", CAP_SYS_MODULE},
    {"CAP_SYS_NICE", CAP_SYS_NICE},
    {"CAP_SYS_PACCT", CAP_SYS_PACCT},
    {"CAP_SYS_PTRACE", CAP_SYS_PTRACE},
    {"CAP_SYS_RAWIO", CAP_SYS_RAWIO},
    {"CAP_SYS_RESOURCE", CAP_SYS_RESOURCE},
    {"CAP_SYS_TIME", CAP_SYS_TIME},
    {"CAP_SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG},
    {"CAP_WAKE_ALARM", CAP_WAKE_ALARM},
}};

namespace {

consteval bool has_each_number_once() {
    std::uint64_t seen = 0;
    for (const CapabilityName& name : capability_names) seen |= std::uint64_t{1} << name.number;
    return seen == (std::uint64_t{1} << capability_names.size()) - 1;
}

static_assert(std::ranges::is_sorted(capability_names, {}, &CapabilityName::text));
static_assert(has_each_number_once());
static_assert(CAP_LAST_CAP == CAP_CHECKPOINT_RESTORE && CAP_LAST_CAP + 1 == capability_names.size());

}  // namespace

std::optional<int> capability_number(std::string_view name) {
    const auto found = std::ranges::lower_bound(capability_names, name, {}, &CapabilityName::text);
    if (found == capability_names.end() || found->text != name) return std::nullopt;
    return found->number;
}

}  // namespace bulkhead::spec
