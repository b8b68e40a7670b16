// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/prepare.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group/mount.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/resources.hpp"
#include "cgroups/limits/version_one.hpp"
#include "cgroups/systemd/unit.hpp"
#include "process/plan.hpp"
#include "runtime/attached/caller_terminal.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/compile/hook.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/container/request.hpp"
#include "runtime/steps/mount_table.hpp"
#include "seccomp/compile.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::runtime {

namespace {

Result<> check_request(const CreateRequest& request) {
    TRY(check_id(request.id));
    return check_descriptors(request.listen_fds, request.preserve_fds);
}

// The variables by which the caller's service manager talks to the container (sd_listen_fds(3),
// sd_notify(3)).
std::vector<std::string> service_variables(const CreateRequest& request) {
    std::vector<std::string> variables;
    if (request.listen_fds != 0) {
        variables.push_back(cat("LISTEN_FDS=", request.listen_fds));
        variables.emplace_back("LISTEN_PID=1");  // as it counts in a pid namespace of its own
    }
    if (request.listen_fds != 0 && !request.listen_names.empty())
        variables.push_back(cat("LISTEN_FDNAMES=", request.listen_names));
    if (!request.notify_socket.empty()) variables.emplace_back(notify_variable);
    return variables;
}

bool has_user_namespace(const spec::ValidSpec& spec) {
    return spec::find_namespace(*spec, spec::NamespaceType::user) != nullptr;
}

// A cgroupsPath has the form of one driver, so bulkhead.yaml chooses only for a config that has none; a flag
// chooses always.
bool wants_systemd(const CreateRequest& request, const spec::ValidSpec& spec) {
    return request.systemd || (request.systemd_unless_named && spec->linux.cgroups_path.empty());
}

// Connects to the systemd that will make the cgroup, and notes what the plan needs of it. Before that it
// checks that systemd can make the path.
Result<std::optional<Driver>> driver_of(const CreateRequest& request, const spec::ValidSpec& spec,
                                        plan::HostFacts& host) {
    if (!wants_systemd(request, spec)) return std::nullopt;
    host.systemd_of_user = is_of_user(host);
    TRY(cgroups::unit_of(spec->linux.cgroups_path, request.id, host.systemd_of_user));
    LET(Driver driver, connect_driver(request.buses, host.systemd_of_user, host.uid));
    host.systemd_version = driver.systemd.version();
    host.systemd_cgroup = driver.systemd.cgroup();
    return driver;
}

// Refuses limits that this host does not have, before anything is made.
Result<> check_limits(const CreateOptions& options, const spec::ValidSpec& spec,
                      const plan::HostFacts& host) {
    LET(const auto settings, cgroups::settings_of(spec->linux.resources));
    LET(const std::string path, cgroup_path(options, spec, host));
    if (settings.empty() || path.empty()) return {};
    LET(const Fd hierarchy, cgroups::open_hierarchy(host.cgroup_mount));
    return cgroups::check_settings(hierarchy.number(), path, settings);
}

// `explain` tells what root would do, also to a caller without privileges.
void as_root(plan::HostFacts& host) {
    if (!host.privileged) host.capabilities = plan::HostFacts{}.capabilities;
    host.privileged = true;
}

// Reads the mount table only if the request needs it, because it may have thousands of lines.
Result<> look_at_mounts(plan::HostFacts& host, const CreateRequest& request, const spec::ValidSpec& spec) {
    if (!request.no_pivot && !spec->linux.intel_rdt) return {};
    LET(const std::string mounts, read_kernel_file(sys::here, "/proc/self/mountinfo"));
    if (request.no_pivot) {
        LET(host.kernel_mounts, kernel_mounts(mounts));
    }
    if (spec->linux.intel_rdt) {
        LET(host.resctrl_mount, resctrl_mount(mounts));
    }
    return {};
}

// explain has no effects, so it does without the cache.
Result<std::optional<seccomp::Program>> filter_of(const Site& site, const spec::ValidSpec& spec, Mode mode) {
    if (mode == Mode::explain && spec->linux.seccomp) return seccomp::compile(*spec->linux.seccomp);
    return cached_filter(site, spec);
}

}  // namespace

Result<PreparedCreate> prepare(const Site& site, const CreateRequest& request, Mode mode) {
    TRY(check_request(request));
    LET(Bundle bundle, load_bundle(request.bundle));
    if (mode == Mode::run && !bundle.spec.has_program()) return no_program(request.id);
    TRY(check_layers(bundle.spec, request.overlay_grants));
    if (mode != Mode::explain)
        TRY(check_terminal(bundle.spec.process().terminal, mode == Mode::create || request.detach,
                           !request.console_socket.empty()));
    LET(plan::HostFacts host, probe());
    if (mode == Mode::explain && !has_user_namespace(bundle.spec)) as_root(host);
    if (mode == Mode::run && !request.detach) look_at_caller_size(host);
    TRY(look_at_mounts(host, request, bundle.spec));
    CreateOptions options{
        .id = request.id,
        .bundle = bundle.path,
        .root = bundle.root,
        .state_directory = cat(site.root, '/', request.id),
        .preserve_fds = request.listen_fds + request.preserve_fds,
        .extra_environment = service_variables(request),
        .notify = !request.notify_socket.empty(),
        .new_keyring = !request.no_new_keyring,
        .await_start = mode != Mode::run,
        .no_pivot = request.no_pivot,
        .overlay_grants = request.overlay_grants,
        .cgroup_optional = request.rootless.value_or(!host.privileged || !host.initial_user_namespace),
        .no_cgroup = request.no_cgroup,
        .systemd = wants_systemd(request, bundle.spec)};
    LET(options.pid_file, writable_if_given("--pid-file", request.pid_file));
    TRY(writable_if_given("--trace", request.trace_file));
    LET(options.console_socket, absolute_if_given(request.console_socket));
    LET(options.pidfd_socket, absolute_if_given(request.pidfd_socket));
    LET(options.filter, filter_of(site, bundle.spec, mode));
    LET(std::optional<Driver> driver, driver_of(request, bundle.spec, host));
    LET(plan::Timeline timeline, compile_creation(options, bundle.spec, host));
    if (mode != Mode::explain) TRY(check_limits(options, bundle.spec, host));
    const HookOptions outside{.bundle = bundle.path, .root = bundle.root, .filter = {}};
    LET(plan::Timeline poststart, compile_hook_run(plan::HookKind::poststart, outside, bundle.spec, host));
    LET(plan::Timeline poststop, compile_hook_run(plan::HookKind::poststop, outside, bundle.spec, host));
    return PreparedCreate{std::move(bundle),   std::move(host),      std::move(options),
                          std::move(timeline), std::move(poststart), {std::move(poststop), {}},
                          std::move(driver)};
}

std::vector<std::string> warnings_of(const PreparedCreate& prepared) {
    std::vector<std::string> warnings = prepared.bundle.spec.warnings();
    std::ranges::move(process::capability_warnings(prepared.bundle.spec, prepared.host),
                      std::back_inserter(warnings));
    std::ranges::move(cgroups::warnings_of_version_1(prepared.bundle.spec->linux.resources),
                      std::back_inserter(warnings));
    if (!has_mount_namespace(prepared.bundle.spec))
        warnings.emplace_back(
            "config.json: /linux/namespaces: without a mount namespace the container shares the host's "
            "mounts: its root is a chroot, which holds nobody back who has CAP_SYS_CHROOT or CAP_SYS_ADMIN");
    if (!prepared.options.no_cgroup) return warnings;
    const auto settings = cgroups::settings_of(prepared.bundle.spec->linux.resources)
                              .value_or(std::vector<plan::CgroupSetting>());
    const auto limit = std::ranges::find(settings, false, &plan::CgroupSetting::may_lack);
    if (limit != settings.end())
        warnings.push_back(
            cat("--cgroup-manager disabled: without a cgroup this limit is not in force: ", limit->pointer));
    const bool may_make_devices = prepared.host.privileged && prepared.host.initial_user_namespace &&
                                  !has_user_namespace(prepared.bundle.spec);
    if (may_make_devices)
        warnings.emplace_back("--cgroup-manager disabled: without a cgroup no device rule is in force");
    return warnings;
}

}  // namespace bulkhead::runtime
