// SPDX-License-Identifier: Apache-2.0
// The names of the flags and their help, verb by verb. Names are runc's; flags that only crun has are there
// because engines pass them.
#include "cli/flags.hpp"

namespace bulkhead::cli {

namespace {

void describe_bundle(FlagSet& set, std::string& bundle) {
    set.add({"bundle", 'b', &bundle, "DIR", "the bundle; default: the current directory"});
}

void describe_preserve_fds(FlagSet& set, unsigned& count) {
    set.add({"preserve-fds", 0, &count, "N", "pass the caller's descriptors 3 to 2 + N on"});
}

void describe_caller(FlagSet& set, CallerFlags& flags, std::string_view pidfd_help,
                     std::string_view pid_help) {
    set.add({"console-socket", 0, &flags.console_socket, "SOCKET",
             "unix socket that receives the master side of the terminal"});
    set.add({"pidfd-socket", 0, &flags.pidfd_socket, "SOCKET", pidfd_help});
    set.add({"pid-file", 0, &flags.pid_file, "FILE", pid_help});
}

void describe_caller_of_init(FlagSet& set, CallerFlags& flags) {
    describe_caller(set, flags, "unix socket that receives a pidfd of the init process",
                    "write the pid of the init process to FILE");
}

void describe_creation(FlagSet& set, BundleFlags& flags) {
    set.add({"no-pivot", 0, &flags.no_pivot, "",
             "chroot instead of pivot_root, on a host that runs from an initramfs; less safe"});
    set.add({"no-new-keyring", 0, &flags.no_new_keyring, "", "keep the caller's session keyring"});
    describe_preserve_fds(set, flags.preserve_fds);
    set.add({"overlay-from", 0, &flags.overlay_from, "DIR[:DIR...]",
             "the directories below which a config's annotations may name the layers of an overlay root"});
    set.add({"overlay-upper-from", 0, &flags.overlay_upper_from, "DIR[:DIR...]",
             "the directories below which they may name its upper and work directory, which are written to"});
}

void describe_format(FlagSet& set, std::string& format) {
    set.add({"format", 'f', &format, "table|json", "how the list looks; json: ids or pids and no ps(1)"});
}

void describe_trace(FlagSet& set, std::string& trace) {
    set.add({"trace", 0, &trace, "FILE", "write the time of each step to FILE"});
}

void describe_fault(FlagSet& set, std::string& fault) {
    constexpr bool hidden = true;
    set.add({"fault", 0, &fault, "STEP:ACTION",
             "for tests: fail at a step with EPERM, ENOSYS, ENOMEM or kill", hidden});
}

void describe(FlagSet&, std::monostate&) {}

void describe(FlagSet& set, CreateFlags& flags) {
    constexpr bool hidden = true;
    describe_bundle(set, flags.bundle);
    describe_caller_of_init(set, flags);
    describe_creation(set, flags);
    set.add({"detach", 'd', &flags.detach, "", "no effect", hidden});
    describe_fault(set, flags.fault);
}

void describe(FlagSet& set, RunFlags& flags) {
    describe_bundle(set, flags.bundle);
    describe_caller_of_init(set, flags);
    describe_creation(set, flags);
    set.add({"detach", 'd', &flags.detach, "", "return when the container runs"});
    set.add({"keep", 0, &flags.keep, "", "keep state and cgroup when the process has ended"});
    set.add(
        {"no-subreaper", 0, &flags.no_subreaper, "", "do not adopt orphans of the container while waiting"});
    describe_trace(set, flags.trace);
    describe_fault(set, flags.fault);
}

void describe(FlagSet& set, ExplainFlags& flags) {
    describe_bundle(set, flags.bundle);
    describe_creation(set, flags);
    set.add({"json", 0, &flags.json, "", "print JSON"});
    describe_fault(set, flags.fault);
}

void describe(FlagSet& set, ExecFlags& flags) {
    describe_caller(set, flags, "unix socket that receives a pidfd of the process",
                    "write the pid of the process to FILE");
    describe_preserve_fds(set, flags.preserve_fds);
    set.add({"detach", 'd', &flags.detach, "", "return when the process runs"});
    describe_trace(set, flags.trace);
    set.add({"process", 'p', &flags.process, "FILE",
             "take the process from this file, an object as in config.json, and not from PROGRAM and flags"});
    set.add({"tty", 't', &flags.tty, "", "give the process a terminal"});
    set.add({"cwd", 0, &flags.cwd, "DIR", "the working directory in the container"});
    set.add({"env", 'e', &flags.env, "NAME=VALUE", "set an environment variable; may be repeated"});
    set.add({"user", 'u', &flags.user, "UID[:GID]", "the user, and the group if it is another one"});
    set.add({"additional-gids", 'g', &flags.additional_gids, "GID",
             "one more supplementary group; may be repeated"});
    set.add({"cap", 'c', &flags.capabilities, "CAP_NAME", "one more capability; may be repeated"});
    set.add({"no-new-privs", 0, &flags.no_new_privileges, "",
             "whether no_new_privs is set; default: as for the container's process"});
    set.add({"process-label", 0, &flags.process_label, "LABEL", "the SELinux label of the process"});
    set.add({"apparmor", 0, &flags.apparmor, "PROFILE", "the AppArmor profile of the process"});
    set.add(
        {"cgroup", 0, &flags.cgroups, "PATH", "start the process in this cgroup below the container's own"});
    set.add({"ignore-paused", 0, &flags.ignore_paused, "",
             "also in a paused container: the process starts when the container is resumed"});
    describe_fault(set, flags.fault);
}

void describe(FlagSet& set, PsFlags& flags) { describe_format(set, flags.format); }

void describe(FlagSet& set, EventsFlags& flags) {
    set.add({"interval", 0, &flags.interval, "DURATION",
             "the time between two samples, such as 5s (the default), 1m30s or 100ms"});
    set.add({"stats", 0, &flags.stats, "", "print one sample and return"});
}

void describe(FlagSet& set, KillFlags& flags) {
    set.add({"all", 'a', &flags.all, "",
             "signal every process in the container's cgroup; a stopped container is no error"});
}

void describe(FlagSet& set, DeleteFlags& flags) {
    set.add({"force", 'f', &flags.force, "", "kill what still runs; an unknown container is no error"});
}

void describe(FlagSet& set, ListFlags& flags) {
    describe_format(set, flags.format);
    set.add({"quiet", 'q', &flags.quiet, "", "print ids only"});
}

void describe(FlagSet& set, SpecFlags& flags) {
    describe_bundle(set, flags.bundle);
    set.add({"from", 0, &flags.from, "FILE.yaml",
             "compile the short form of a bundle into a complete config.json; - is standard input"});
    set.add({"seccomp", 0, &flags.seccomp, "none|default",
             "which filter of system calls to write: none, as runc does, or one for ordinary programs"});
    set.add({"rootless", 0, &flags.rootless, "",
             "for a caller without root: a user namespace in which the caller is user 0"});
}

void describe(FlagSet& set, UpdateFlags& flags) {
    constexpr bool hidden = true;
    set.add(
        {"resources", 'r', &flags.resources, "FILE",
         "take the limits from this file (- is stdin), an object as linux.resources in config.json, and not "
         "from other flags"});
    set.add({"blkio-weight", 0, &flags.blkio_weight, "NUMBER", "share of block I/O, from 10 to 1000"});
    set.add({"cpu-period", 0, &flags.cpu_period, "USEC", "the time in which the quota counts"});
    set.add({"cpu-quota", 0, &flags.cpu_quota, "USEC", "CPU time in each period; -1 is no limit"});
    set.add({"cpu-burst", 0, &flags.cpu_burst, "USEC", "unused quota that may be used up later"});
    set.add({"cpu-idle", 0, &flags.cpu_idle, "0|1", "run only where nobody else wants the CPU"});
    set.add({"cpu-share", 0, &flags.cpu_share, "NUMBER", "share of CPU time, from 2 to 262144"});
    set.add({"cpu-rt-period", 0, &flags.cpu_rt_period, "USEC", "ignored: cgroup v1 only"});
    set.add({"cpu-rt-runtime", 0, &flags.cpu_rt_runtime, "USEC", "ignored: cgroup v1 only"});
    set.add({"cpuset-cpus", 0, &flags.cpuset_cpus, "LIST", "the CPUs to run on, such as 0-2,7"});
    set.add({"cpuset-mems", 0, &flags.cpuset_mems, "LIST", "the memory nodes to use"});
    set.add({"memory", 0, &flags.memory, "BYTES", "limit of memory, such as 512m; -1 is no limit"});
    set.add({"memory-reservation", 0, &flags.memory_reservation, "BYTES",
             "memory that is not reclaimed while others have more"});
    set.add({"memory-swap", 0, &flags.memory_swap, "BYTES",
             "limit of memory and swap together; -1 is no limit of swap"});
    set.add({"kernel-memory", 0, &flags.kernel_memory, "BYTES", "ignored: cgroup v1 only", hidden});
    set.add({"kernel-memory-tcp", 0, &flags.kernel_memory, "BYTES", "ignored: cgroup v1 only", hidden});
    set.add({"pids-limit", 0, &flags.pids_limit, "NUMBER", "limit of processes and threads; -1 is no limit"});
    set.add({"l3-cache-schema", 0, &flags.l3_cache_schema, "SCHEMA", "of Intel RDT"});
    set.add({"mem-bw-schema", 0, &flags.mem_bw_schema, "SCHEMA", "of Intel RDT"});
    describe_fault(set, flags.fault);
}

}  // namespace

VerbFlags flags_of(Command command) {
    switch (command) {
        case Command::create: return CreateFlags{};
        case Command::run: return RunFlags{};
        case Command::explain: return ExplainFlags{};
        case Command::exec: return ExecFlags{};
        case Command::ps: return PsFlags{};
        case Command::events: return EventsFlags{};
        case Command::kill: return KillFlags{};
        case Command::remove: return DeleteFlags{};
        case Command::list: return ListFlags{};
        case Command::spec: return SpecFlags{};
        case Command::update: return UpdateFlags{};
        default: return {};
    }
}

void describe(FlagSet& set, GlobalFlags& flags) {
    set.add({"root", 0, &flags.root, "DIR", "where the states of containers are kept"});
    set.add({"log", 0, &flags.log, "FILE", "append errors and warnings to FILE"});
    set.add({"log-format", 0, &flags.log_format, "text|json", "how a line of the log looks"});
    set.add({"log-level", 0, &flags.log_level, "error|warning|debug", "what is logged"});
    set.add({"debug", 0, &flags.debug, "", "the same as --log-level debug"});
    set.add({"systemd-cgroup", 0, &flags.systemd_cgroup, "",
             "the same as --cgroup-manager systemd; the config's cgroupsPath is SLICE:PREFIX:NAME then"});
    set.add(
        {"cgroup-manager", 0, &flags.cgroup_manager, "cgroupfs|systemd|disabled",
         "who makes cgroups: bulkhead, systemd, or (disabled) nobody: the container stays in the caller's"});
    set.add(
        {"rootless", 0, &flags.rootless, "true|false|auto",
         "whether a container that may not have a cgroup goes without; auto: where the caller is not root"});
    set.add({"criu", 0, &flags.criu, "PATH", "accepted and ignored"});
    set.add({"help", 'h', &flags.help, "", "print help, for everything or for one command"});
    set.add({"version", 'v', &flags.version, "", "print the version"});
}

void describe(FlagSet& set, VerbFlags& flags) {
    std::visit([&](auto& own) { describe(set, own); }, flags);
}

}  // namespace bulkhead::cli
