// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/probe.hpp"

#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/mount.hpp"
#include "cgroups/group/path.hpp"
#include "runtime/steps/helper_program.hpp"

namespace bulkhead::runtime {

namespace {

Result<> read_release(plan::HostFacts& facts) {
    utsname names{};
    ::uname(&names);
    const std::vector<std::string_view> parts = split(names.release, '.');
    const auto major = parts.size() < 2 ? std::nullopt : parse_decimal<unsigned>(parts[0]);
    if (!major) return fail(Kind::unsupported, "kernel release ", quoted(names.release), ": not understood");
    const std::size_t digits = parts[1].find_first_not_of("0123456789");
    facts.kernel_major = *major;
    facts.kernel_minor = parse_decimal<unsigned>(parts[1].substr(0, digits)).value_or(0);
    return {};
}

// Only the initial user namespace maps the whole range of ids onto itself.
Result<> read_privileges(plan::HostFacts& facts) {
    facts.uid = ::geteuid();
    facts.gid = ::getegid();
    LET(const std::string map, read_kernel_file(sys::here, "/proc/self/uid_map"));
    facts.initial_user_namespace = map.ends_with(" 4294967295\n");
    const auto groups = read_kernel_file(sys::here, "/proc/self/setgroups");
    facts.groups_denied = groups && groups->starts_with("deny");
    const sys::Capabilities own = sys::capabilities();
    facts.privileged = (own.effective >> CAP_SYS_ADMIN & 1) != 0;
    facts.capabilities = own.permitted;
    return {};
}

// The library of each module looks at the same files; neither needs securityfs.
void look_for_security_modules(plan::HostFacts& facts) {
    const auto enabled = read_kernel_file(sys::here, "/sys/module/apparmor/parameters/enabled");
    facts.apparmor = enabled && enabled->starts_with('Y');
    facts.selinux = sys::status_at(sys::here, "/sys/fs/selinux/enforce").has_value();
}

}  // namespace

Result<plan::HostFacts> probe_kernel() {
    plan::HostFacts facts;
    TRY(read_release(facts));
    // bulkhead has no other way for these calls: close_range(2) 5.9, setns(2) by pidfd 5.8, openat2(2) and
    // pidfd_getfd(2) 5.6, clone3(2) into a cgroup 5.7. Below 5.10 nothing is tested.
    if (!facts.kernel_at_least(5, 10))
        return fail(Kind::unsupported, "kernel ", facts.kernel_major, '.', facts.kernel_minor,
                    ": bulkhead needs 5.10 or newer");
    facts.last_capability = static_cast<std::uint32_t>(cap_max_bits() - 1);
    TRY(read_privileges(facts));
    look_for_security_modules(facts);
    return facts;
}

Result<plan::HostFacts> probe() {
    LET(plan::HostFacts facts, probe_kernel());
    if (const auto hierarchy = cgroups::find_hierarchy(helper_program)) {
        facts.cgroup_mount = hierarchy->mount;
        facts.cgroup_hybrid = hierarchy->hybrid;
    } else {
        facts.no_cgroup_mount = hierarchy.error().text;
    }
    LET(const std::string membership, read_kernel_file(sys::here, "/proc/self/cgroup"));
    facts.own_cgroup = cgroups::own_path(membership);
    return facts;
}

}  // namespace bulkhead::runtime
