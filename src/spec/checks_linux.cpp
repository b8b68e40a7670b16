// SPDX-License-Identifier: Apache-2.0
#include "spec/checks.hpp"
#include "spec/words.hpp"

namespace bulkhead::spec {

Result<> cgroups_path_stays_inside(const Spec& spec) {
    constexpr std::size_t path_limit = 4095;  // PATH_MAX without its NUL
    const std::string& path = spec.linux.cgroups_path;
    // runc cleans /a/../../b to /b, so the container would be somewhere else than its config seems to say.
    if (std::ranges::count(split(path, '/'), std::string_view("..")) != 0)
        return refuse("/linux/cgroupsPath", path, "cgroup path must not contain ..");
    if (path.size() > path_limit) return refuse("/linux/cgroupsPath", path, "cgroup path is too long");
    return {};
}

Result<> device_rules_have_access(const Spec& spec) {
    for (std::size_t i = 0; const DeviceRule& rule : spec.linux.resources.devices) {
        const std::string pointer = cat("/linux/resources/devices/", i, "/access");
        if (rule.access.empty())
            return refuse(pointer, cat("device access at ", i, " field cannot be empty"));
        if (rule.access.find_first_not_of("rwm") != rule.access.npos)
            return refuse(pointer, rule.access, "must be made of the letters r, w and m");
        ++i;
    }
    return {};
}

Result<> rdt_group_is_a_name(const Spec& spec) {
    if (!spec.linux.intel_rdt) return {};
    const std::string& group = spec.linux.intel_rdt->clos_id;
    const bool escapes = group == "." || group == ".." || (group.contains('/') && group != "/");
    if (escapes || group.contains('\n'))
        return refuse("/linux/intelRdt/closID", cat("invalid intelRdt.ClosID ", quoted(group)));
    return {};
}

// A second line in one of them would set another resource, which no property asks for. l3CacheSchema only
// SHOULD NOT have one (config-linux.md, "IntelRdt"): validate.cpp warns.
Result<> rdt_schemas_are_lines(const Spec& spec) {
    if (!spec.linux.intel_rdt) return {};
    const IntelRdt& rdt = *spec.linux.intel_rdt;
    const auto breaks = [](const std::string& text) { return text.contains('\n'); };
    const std::string& bandwidth = rdt.mem_bw_schema;
    if (!bandwidth.empty() && !bandwidth.starts_with("MB:"))
        return refuse("/linux/intelRdt/memBwSchema", bandwidth, "must start with MB:");
    if (breaks(bandwidth))
        return refuse("/linux/intelRdt/memBwSchema", bandwidth, "must not contain newlines");
    for (std::size_t i = 0; const std::string& line : rdt.schemata) {
        const std::string pointer = cat("/linux/intelRdt/schemata/", i++);
        if (line.empty()) return refuse(pointer, line, "must be a line of a schemata file");
        if (breaks(line)) return refuse(pointer, line, "must not contain newlines");
    }
    return {};
}

// Refuses what set_mempolicy(2) refuses with EINVAL on every kernel and machine. The kernel checks the nodes.
Result<> memory_policy_fits_its_mode(const Spec& spec) {
    if (!spec.linux.memory_policy) return {};
    const auto& [mode, nodes, flags] = *spec.linux.memory_policy;
    const auto has = [&](MemoryPolicyFlag flag) { return std::ranges::count(flags, flag) != 0; };
    const bool empty = nodes.find_first_not_of(' ') == nodes.npos;
    const bool by_number = has(MemoryPolicyFlag::static_nodes) || has(MemoryPolicyFlag::relative_nodes);
    const bool without = mode == MemoryPolicyMode::default_ || mode == MemoryPolicyMode::local;
    const bool balances = mode == MemoryPolicyMode::bind || mode == MemoryPolicyMode::preferred_many;
    constexpr const char* nodes_pointer = "/linux/memoryPolicy/nodes";
    constexpr const char* flags_pointer = "/linux/memoryPolicy/flags";
    if (without && !empty) return refuse(nodes_pointer, nodes, cat(word(mode), " takes no nodes"));
    if (!without && empty && mode != MemoryPolicyMode::preferred)
        return refuse(nodes_pointer, cat(word(mode), " needs nodes"));
    if (has(MemoryPolicyFlag::static_nodes) && has(MemoryPolicyFlag::relative_nodes))
        return refuse(flags_pointer, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    if (by_number && empty)
        return refuse(flags_pointer,
                      "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES are about nodes: none are given");
    if (has(MemoryPolicyFlag::numa_balancing) && !balances)
        return refuse(flags_pointer, "MPOL_F_NUMA_BALANCING is for MPOL_BIND and MPOL_PREFERRED_MANY");
    return {};
}

Result<> seccomp_default_can_decide(const Spec& spec) {
    if (spec.linux.seccomp && spec.linux.seccomp->default_action == SeccompAction::notify)
        return refuse("/linux/seccomp/defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action");
    return {};
}

Result<> seccomp_rules_name_syscalls(const Spec& spec) {
    if (!spec.linux.seccomp) return {};
    for (std::size_t i = 0; const SeccompSyscall& rule : spec.linux.seccomp->syscalls) {
        const std::string pointer = cat("/linux/seccomp/syscalls/", i++);
        if (rule.names.empty()) return refuse(cat(pointer, "/names"), "must name at least one system call");
    }
    return {};
}

Result<> seccomp_errnos_are_used(const Spec& spec) {
    if (!spec.linux.seccomp) return {};
    const auto takes_one = [](SeccompAction action) {
        return action == SeccompAction::error || action == SeccompAction::trace;
    };
    // A libc takes no result above it for an error (MAX_ERRNO), and libseccomp takes everything below.
    constexpr std::uint32_t error_limit = 4094;
    const auto check = [&](std::string_view pointer, SeccompAction action,
                           std::optional<std::uint32_t> number) -> Result<> {
        if (number && !takes_one(action))
            return refuse(pointer, *number, "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one");
        if (number && action == SeccompAction::error && *number > error_limit)
            return refuse(pointer, *number, "must be an error number: 0 to 4094");
        return {};
    };
    const Seccomp& seccomp = *spec.linux.seccomp;
    TRY(check("/linux/seccomp/defaultErrnoRet", seccomp.default_action, seccomp.default_errno_ret));
    for (std::size_t i = 0; const SeccompSyscall& rule : seccomp.syscalls)
        TRY(check(cat("/linux/seccomp/syscalls/", i++, "/errnoRet"), rule.action, rule.errno_ret));
    return {};
}

Result<> seccomp_metadata_has_a_listener(const Spec& spec) {
    if (!spec.linux.seccomp) return {};
    const Seccomp& seccomp = *spec.linux.seccomp;
    if (!seccomp.listener_metadata.empty() && seccomp.listener_path.empty())
        return refuse("/linux/seccomp/listenerMetadata", "must not be set without listenerPath");
    return {};
}

// The standard does not define a listener without a path to send it to; runc fails in the middle of the
// creation. The kernel (5.19) takes WAIT_KILLABLE_RECV with a listener only.
Result<> seccomp_listener_is_complete(const Spec& spec) {
    if (!spec.linux.seccomp) return {};
    const Seccomp& seccomp = *spec.linux.seccomp;
    const bool notifies = std::ranges::find(seccomp.syscalls, SeccompAction::notify,
                                            &SeccompSyscall::action) != seccomp.syscalls.end();
    if (notifies && seccomp.listener_path.empty())
        return refuse("/linux/seccomp/listenerPath",
                      "seccomp listenerPath is not set, and a rule has SCMP_ACT_NOTIFY");
    if (notifies || !seccomp.flags) return {};
    const auto found = std::ranges::find(*seccomp.flags, SeccompFlag::wait_killable_recv);
    if (found == seccomp.flags->end()) return {};
    return refuse(
        cat("/linux/seccomp/flags/", found - seccomp.flags->begin()),
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for a listener, and no rule has SCMP_ACT_NOTIFY");
}

}  // namespace bulkhead::spec
