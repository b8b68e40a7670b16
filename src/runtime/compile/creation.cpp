// SPDX-License-Identifier: Apache-2.0
// The birth of a container: Creation::compile, read from top to bottom. docs/design/creation.md has the
// reasons for the order.
#include "runtime/compile/creation.hpp"

#include "cgroups/devices/plan_devices.hpp"
#include "namespaces/plan.hpp"
#include "seccomp/plan.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::uint32_t stdio = 3;  // descriptors 0 to 2

}  // namespace

Result<plan::Timeline> Creation::compile() && {
    if (spec_->linux.seccomp) TRY(seccomp::check_flags(*spec_->linux.seccomp, host_));
    TRY(plan_record_and_cgroup());
    TRY(plan_host_resources());
    TRY(plan_birth());
    plan_clean_start();
    TRY(plan_namespaces());
    plan_trusted_writes();
    TRY(plan_content());
    TRY(plan_early_hooks());
    plan_seal();
    if (!born_late_) TRY(plan_session_and_permission());
    TRY(plan_policy());
    if (born_late_) TRY(plan_late_birth());
    const plan::Execute execute = process::plan_search(timeline_, spec_, environment_);
    TRY(options_.await_start ? plan_start() : plan_start_hooks());
    plan_end(execute);
    return std::move(timeline_).finish();
}

// ---- the first process ------------------------------------------------------------------------------------

Result<> Creation::plan_birth() {
    std::vector<plan::Birthplace> otherwise;
    if (may_go_without_cgroup(options_, spec_)) otherwise = {plan::Birthplace::of_runtime_for_good};
    TRY(namespaces::plan_spawn(timeline_, spec_, host_, joins_, options_.systemd, std::move(otherwise)));
    if (options_.systemd) TRY(plan_unit());
    return namespaces::plan_preparation(timeline_, spec_, host_, options_.systemd);
}

// The process drops what it has of its caller: descriptors, signals, umask; the keyring follows.
void Creation::plan_clean_start() {
    timeline_.init(plan::MarkDescriptors{stdio + options_.preserve_fds});
    timeline_.init(plan::ResetSignals{});
    timeline_.init(plan::SetUmask{0});
}

Result<> Creation::plan_namespaces() {
    namespaces::plan_entry(timeline_, spec_, host_, joins_);
    return namespaces::plan_network(timeline_, spec_, host_, joins_);
}

// Writes through a procfs that nobody can have changed, before any mount of the config exists.
void Creation::plan_trusted_writes() {
    // mount(2) names a mount by it on old kernels.
    const bool by_name = has_mount_namespace(spec_) && !host_.sets_mount_attributes();
    if (namespaces::writes_procfs(spec_) || process::needs_procfs(spec_) || by_name)
        timeline_.init(plan::OpenProcfs{1});
    // Parameters of a network device that a hook brings have to wait for the hook.
    if (!hooks_early_) namespaces::plan_kernel_parameters(timeline_, spec_);
    if (options_.new_keyring) process::plan_keyring(timeline_, spec_);
}

Result<> Creation::plan_content() {
    LET(layout_, rootfs::plan_content(timeline_, spec_, inputs_, trees_));
    return {};
}

Result<> Creation::plan_hooks(plan::HookKind kind) {
    if (!has_hooks(spec_, kind)) return {};
    const HookOptions hooks{.bundle = options_.bundle,
                            .root = options_.root,
                            .has_cgroup = !cgroup_.empty(),
                            .otherwise = birthplaces(options_.systemd, options_.cgroup_optional),
                            .new_keyring = options_.new_keyring,
                            .rdt = rdt_,
                            .filter = options_.filter};
    LET(plan::RunHooks run, compile_hooks(kind, hooks, spec_, host_));
    timeline_.host(std::move(run), cat("/hooks/", word(kind)));
    return {};
}

// The stage waits when everything is mounted and nothing is sealed, in complete namespaces. The device filter
// is attached, so that a hook can replace it. The record is written, in case the runtime is killed.
Result<> Creation::plan_early_hooks() {
    if (!hooks_early_) return {};
    timeline_.init(plan::ReportReady{}, "/hooks");
    timeline_.host(plan::AwaitReady{}, "/hooks");
    TRY(plan_host_work(true));
    for (const plan::HookKind kind :
         {plan::HookKind::prestart, plan::HookKind::create_runtime, plan::HookKind::create_container})
        TRY(plan_hooks(kind));
    plan_go();
    namespaces::plan_kernel_parameters(timeline_, spec_);
    return {};
}

void Creation::plan_seal() {
    rootfs::plan_seal(timeline_, spec_, inputs_, trees_, *std::move(layout_));
    namespaces::plan_names(timeline_, spec_);
}

// A session of its own and, on a terminal, its controlling process.
void Creation::plan_session() {
    timeline_.init(plan::StartSession{});
    if (spec_.process().terminal) timeline_.init(plan::ClaimTerminal{}, "/process/terminal");
}

// ---- permission and policy --------------------------------------------------------------------------------

// With early hooks the permission was given already, after the hooks.
Result<> Creation::plan_session_and_permission() {
    plan_session();
    if (hooks_early_) return {};
    TRY(plan_host_work(true));
    plan_go();
    return {};
}

// While the stage mounts, the host does the rest: the device filter, the group of resctrl and the record.
// Nothing of the workload can run before "go".
Result<> Creation::plan_host_work(bool filter) {
    if (filter && !options_.no_cgroup)
        TRY(cgroups::plan_device_filter(timeline_, spec_->linux.resources.devices, host_));
    if (rdt_) timeline_.host(*rdt_, "/linux/intelRdt");
    timeline_.host(plan::RecordProcess{});
    return {};
}

void Creation::plan_go() {
    timeline_.host(plan::SendGo{});
    timeline_.init(plan::AwaitGo{});
}

Result<> Creation::plan_policy() {
    environment_ = process::plan_environment(timeline_, spec_, options_.extra_environment);
    TRY(process::plan_affinity(timeline_, std::nullopt));
    TRY(process::plan_credentials(timeline_, spec_, host_,
                                  {.groups_denied = namespaces::denies_groups(spec_, host_),
                                   .filter_follows = options_.filter.has_value()}));
    if (notifies_) seccomp::plan_handshake(timeline_, handshake_);
    return {};
}

// The process that the inhabitants of a joined pid namespace can see has no more rights than the program, and
// holds only what it waits on. It is not the process that the hooks saw, so the host records it instead.
Result<> Creation::plan_late_birth() {
    plan_wait();
    timeline_.init(plan::Respawn{}, "/linux/namespaces");
    timeline_.host(plan::AwaitRespawn{}, "/linux/namespaces");
    plan_session();
    TRY(plan_host_work(!hooks_early_));
    plan_go();
    return {};
}

// ---- the program ------------------------------------------------------------------------------------------

// A process that waits for `start`, perhaps for days, must hold no descriptor of the caller's, because
// somebody may wait for its end. It keeps the fifo, and the socket that `start` listens on.
void Creation::plan_wait() {
    if (options_.await_start) timeline_.init(plan::KeepDescriptor{fifo_, timeline_.text("the exec fifo")});
    if (options_.await_start && notify_)
        timeline_.init(plan::KeepDescriptor{*notify_, timeline_.text("the notify socket")});
    timeline_.init(plan::CloseDescriptors{stdio + options_.preserve_fds});
}

// create: up to the moment before the program.
Result<> Creation::plan_start() {
    if (!born_late_) plan_wait();
    if (notifies_) seccomp::plan_listener(timeline_, *options_.filter, *spec_->linux.seccomp);
    timeline_.init(plan::ReportReady{});
    timeline_.host(plan::AwaitReady{});
    plan_announcement();
    timeline_.init(plan::AwaitStart{fifo_});
    return {};
}

// run: everything up to the program.
Result<> Creation::plan_start_hooks() {
    if (!has_hooks(spec_, plan::HookKind::start_container)) return {};
    timeline_.init(plan::ReportReady{}, "/hooks/startContainer");
    timeline_.host(plan::AwaitReady{}, "/hooks/startContainer");
    TRY(plan_hooks(plan::HookKind::start_container));
    plan_go();
    return {};
}

// Tells the caller what it asked for: pid file, console, pidfd.
void Creation::plan_announcement() {
    if (!options_.console_socket.empty()) timeline_.host(plan::SendConsole{});
    if (!options_.pidfd_socket.empty()) timeline_.host(plan::SendPidfd{options_.pidfd_socket, "standard"});
    if (!options_.pid_file.empty()) timeline_.host(plan::WritePidFile{options_.pid_file});
    timeline_.host(plan::Publish{});
}

// The filter comes last, so that a profile only has to allow execve and the calls of the program.
void Creation::plan_end(const plan::Execute& execute) {
    // With hooks of poststart the fifo tells `start` when the program has taken over.
    if (options_.await_start && has_hooks(spec_, plan::HookKind::poststart))
        timeline_.init(plan::KeepDescriptor{fifo_, timeline_.text("the exec fifo")});
    timeline_.init(plan::CloseDescriptors{stdio + options_.preserve_fds});
    timeline_.init(plan::ReportExecution{});
    if (notifies_ && !options_.await_start)
        seccomp::plan_listener(timeline_, *options_.filter, *spec_->linux.seccomp);
    if (options_.filter && !notifies_) seccomp::plan_filter(timeline_, *options_.filter);
    timeline_.init(execute, "/process/args");
    if (options_.await_start) return;
    timeline_.host(plan::AwaitExecution{});
    plan_announcement();
}

Result<plan::Timeline> compile_creation(const CreateOptions& options, const spec::ValidSpec& spec,
                                        const plan::HostFacts& host) {
    return Creation(options, spec, host).compile();
}

}  // namespace bulkhead::runtime
