// SPDX-License-Identifier: Apache-2.0
// create, run and explain: from a bundle to a timeline, and the walk.
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/time.hpp"
#include "base/waiting.hpp"
#include "cgroups/group/mount.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/resources.hpp"
#include "cgroups/limits/version_one.hpp"
#include "cgroups/resctrl/plan_resctrl.hpp"
#include "cgroups/systemd/unit.hpp"
#include "namespaces/id_maps.hpp"
#include "namespaces/plan.hpp"
#include "process/plan.hpp"
#include "runtime/attached/attend.hpp"
#include "runtime/attached/caller_terminal.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/compile/hook.hpp"
#include "runtime/container/bundle.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/later_hooks.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/probe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/container/request.hpp"
#include "runtime/steps/hooks.hpp"
#include "runtime/steps/mount_table.hpp"
#include "runtime/steps/systemd_driver.hpp"
#include "runtime/steps/walk.hpp"
#include "seccomp/cache.hpp"
#include "seccomp/compile.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::runtime {

namespace {

enum class Mode : unsigned char { create, run, explain };

// Everything that is known before the first effect.
struct PreparedCreate {
    Bundle bundle;
    plan::HostFacts host;
    CreateOptions options;
    plan::Timeline timeline;
    plan::Timeline poststart;  // of run; both are empty if there are no such hooks
    DeleteHooks end;
    std::optional<Driver> driver;  // of --systemd-cgroup, connected
};

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

// explain has no effects, so it does without the cache.
Result<std::optional<seccomp::Program>> seccomp_filter(const Site& site, const spec::ValidSpec& spec,
                                                       Mode mode) {
    if (!spec->linux.seccomp) return std::nullopt;
    if (mode == Mode::explain) return seccomp::compile(*spec->linux.seccomp);
    LET(const Fd root, make_root(site));
    return seccomp::cached_program(root.number(), *spec->linux.seccomp);
}

bool has_user_namespace(const spec::ValidSpec& spec) {
    return spec::find_namespace(*spec, spec::NamespaceType::user) != nullptr;
}

// The validation's warnings, the capabilities that cannot be granted, and, without a cgroup, the limits and
// device rules that are not in force.
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
    LET(options.pid_file, writable_if_given(request.pid_file));
    LET(options.console_socket, absolute_if_given(request.console_socket));
    LET(options.pidfd_socket, absolute_if_given(request.pidfd_socket));
    LET(options.filter, seccomp_filter(site, bundle.spec, mode));
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

Result<UnitRecord> first_record(const PreparedCreate& prepared) {
    if (!prepared.driver) return UnitRecord{};
    LET(cgroups::Unit unit, cgroups::unit_of(prepared.bundle.spec->linux.cgroups_path, prepared.options.id,
                                             prepared.host.systemd_of_user));
    return UnitRecord{std::move(unit.name), {}, prepared.driver->addresses};
}

Result<RdtRecord> rdt_record(const PreparedCreate& prepared) {
    LET(auto place, cgroups::rdt_place(prepared.bundle.spec, prepared.options.id, prepared.host));
    RdtRecord record;
    if (!place) return record;
    record.mount = std::move(place->mount);
    record.path = std::move(place->path);
    record.shared = place->named;
    record.monitoring = std::move(place->monitoring);
    return record;
}

Result<State> first_state(const PreparedCreate& prepared) {
    LET(std::string cgroup, cgroup_path(prepared.options, prepared.bundle.spec, prepared.host));
    const plan::IdMaps maps =
        namespaces::maps_of_helpers(prepared.bundle.spec->linux, prepared.host).value_or(plan::IdMaps{});
    LET(UnitRecord unit, first_record(prepared));
    LET(RdtRecord rdt, rdt_record(prepared));
    return State{.id = prepared.options.id,
                 .bundle = prepared.bundle.path,
                 .rootfs = prepared.bundle.root,
                 .created = rfc3339_now(),
                 .annotations = prepared.bundle.spec->annotations,
                 .cgroup_mount = prepared.host.cgroup_mount,
                 .cgroup_path = std::move(cgroup),
                 .private_pids = namespaces::is_new(prepared.bundle.spec, spec::NamespaceType::pid),
                 .new_keyring = prepared.options.new_keyring,
                 .cgroup_optional = prepared.options.cgroup_optional && !prepared.options.systemd,
                 .uid_map = maps.uids,
                 .gid_map = maps.gids,
                 .later_hooks = has_later_hooks(prepared.bundle.spec),
                 .has_program = prepared.bundle.spec.has_program(),
                 .rdt = std::move(rdt),
                 .unit = std::move(unit)};
}

// The walker has undone the creation that failed. Its poststop hooks end what its other hooks began.
Error after_hooks(Error error, const PreparedCreate& prepared, const ExecutionContext& context) {
    if (!context.walk.hooks_began) return error;
    return with_warnings(std::move(error), run_poststop(prepared.end, context.record.state));
}

// Walks the creation; the context then holds the new container.
Result<ExecutionContext> make(const Site& site, PreparedCreate& prepared, const CreateRequest& request) {
    LET(const Fd root, make_root(site));
    ExecutionContext context;
    LET(context.record.state, first_state(prepared));
    if (prepared.driver) context.control.systemd.emplace(std::move(prepared.driver->systemd));
    context.record.config = prepared.bundle.text;
    context.walk.fault = request.fault;
    context.walk.traced = !request.trace_file.empty();
    if (auto done = walk(prepared.timeline, context); !done)
        return std::unexpected(after_hooks(std::move(done).error(), prepared, context));
    context.host.devices.clear();  // the creation is done, so nothing will undo it
    context.control.systemd.reset();
    context.host.slots
        .clear();  // closes our copy of the notify socket, so that a writer to nobody gets an error
    return context;
}

// What follows a `run` that has begun: the trace, and in the foreground the container's whole life.
Result<int> follow(const PreparedCreate& prepared, ExecutionContext& context, const CreateRequest& request,
                   const SignalWatch* watch, StdioRelay& stdio, ReadinessRelay& readiness,
                   std::uint64_t begin) {
    if (context.walk.traced)
        TRY(write_trace(request.trace_file, prepared.timeline, context.walk.times, begin));
    if (watch == nullptr) return 0;
    return attend(*watch, context.stage.pid, context.stage.process, context.streams.terminal, stdio,
                  readiness);
}

// The caller's service manager, if there is one to be told that the container is ready.
Result<ReadinessRelay> listener_of(const CreateRequest& request) {
    return request.notify_socket.empty() ? Result<ReadinessRelay>(ReadinessRelay())
                                         : ReadinessRelay::to(request.notify_socket);
}

// `run` removes the container that it made, with the descriptors that it has, unless another command did so
// meanwhile. If the container has a pid namespace of its own, everything in it ended with init. Returns the
// warnings of poststop hooks.
Result<std::vector<std::string>> clear(const PreparedCreate& prepared, ExecutionContext& context) {
    TRY(lock_container(context.record.directory, context.record.state.id));
    LET(const struct stat status, sys::status_of(context.record.directory.number()));
    if (status.st_nlink == 0) return std::vector<std::string>();
    LET(const plan::Timeline timeline,
        compile_removal(prepared.options.state_directory, !context.record.state.private_pids,
                        context.record.state));
    context.walk.fault = {};
    TRY(walk(timeline, context));
    std::ranges::move(run_poststop(prepared.end, context.record.state),
                      std::back_inserter(context.walk.warnings));
    return std::move(context.walk.warnings);
}

}  // namespace

Result<Made> create(const Site& site, const CreateRequest& request) {
    LET(PreparedCreate prepared, prepare(site, request, Mode::create));
    sys::hold_interrupts();  // what is begun is brought to an end, or undone
    TRY(make(site, prepared, request));
    return Made{.warnings = warnings_of(prepared)};
}

Result<Made> run(const Site& site, const CreateRequest& request) {
    const std::uint64_t begin = sys::monotonic_ns();
    LET(PreparedCreate prepared, prepare(site, request, Mode::run));
    std::optional<SignalWatch> watch;
    if (!request.detach) {
        LET(watch, SignalWatch::start(!request.no_subreaper));
    } else {
        sys::hold_interrupts();
    }
    LET(ReadinessRelay readiness, listener_of(request));
    StdioRelay stdio;
    if (watch && !prepared.bundle.spec.process().terminal) TRY(stdio.begin());
    auto made_one = make(site, prepared, request);
    stdio.restore();
    LET(ExecutionContext context, std::move(made_one));
    if (auto ran = run_hooks(prepared.poststart, context.record.state); !ran)
        return std::unexpected(
            discard(site, context.record.state, std::move(context.record.directory), std::move(ran).error()));
    readiness.listen(std::move(context.streams.notify));
    const auto status =
        follow(prepared, context, request, watch ? &*watch : nullptr, stdio, readiness, begin);
    if (!status) {
        (void)remove(site, request.id, true);
        return std::unexpected(status.error());
    }
    Made made{.exit_status = *status, .warnings = warnings_of(prepared)};
    if (!request.detach && !request.keep) {
        LET(const std::vector<std::string> failed, clear(prepared, context));
        made.warnings.insert(made.warnings.end(), failed.begin(), failed.end());
    }
    if (!request.detach) return made;
    sys::release_interrupts();
    // The container runs. A failure to announce that is a warning and ends nothing.
    if (auto told = readiness.until_done(context.stage.process, context.stage.pid); !told)
        made.warnings.push_back(told.error().text);
    return made;
}

Result<plan::Timeline> explain(const Site& site, const CreateRequest& request) {
    LET(PreparedCreate prepared, prepare(site, request, Mode::explain));
    return std::move(prepared.timeline);
}

}  // namespace bulkhead::runtime
