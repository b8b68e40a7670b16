// SPDX-License-Identifier: Apache-2.0
// Every verb and every flag of the command line, once. The normaliser (arguments.cpp), CLI11 (options.cpp)
// and the help text are made from these two tables, so that they cannot disagree; names and shapes are
// runc's, and flags that only crun has are there because engines pass them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "cli/defaults.hpp"

namespace bulkhead::cli {

enum class Command : std::uint8_t {
    none,
    create,
    run,
    start,
    state,
    exec,
    ps,
    events,
    kill,
    pause,
    resume,
    update,
    remove,
    list,
    spec,
    features,
    explain,
    help,
};

inline constexpr std::uint8_t unlimited = 255;

struct CommandRow {
    Command command;
    std::string_view name;
    std::string_view operands;  // for the usage line
    std::uint8_t least;         // number of operands
    std::uint8_t most;          // or unlimited
    bool flags_first;           // an operand ends the flags: what follows belongs to the program, or to ps(1)
    std::string_view summary;
};

inline constexpr std::array commands{
    CommandRow{Command::create, "create", "CONTAINER-ID", 1, 1, false, "create a container, do not start it"},
    CommandRow{Command::run, "run", "CONTAINER-ID", 1, 1, false, "create a container and run it"},
    CommandRow{Command::start, "start", "CONTAINER-ID", 1, 1, false,
               "start the process of a created container"},
    CommandRow{Command::state, "state", "CONTAINER-ID", 1, 1, false,
               "print the state of a container as JSON"},
    CommandRow{Command::exec, "exec", "CONTAINER-ID [PROGRAM [ARGUMENT...]]", 1, unlimited, true,
               "run another process in a container"},
    CommandRow{Command::ps, "ps", "CONTAINER-ID [PS-OPTION...]", 1, unlimited, true,
               "list the processes of a container, as ps(1) with these options (default: -ef) shows them"},
    CommandRow{Command::events, "events", "CONTAINER-ID", 1, 1, false,
               "print what a container uses every few seconds, and when it runs out of memory, as JSON"},
    CommandRow{Command::kill, "kill", "CONTAINER-ID [SIGNAL]", 1, 2, true,
               "send a signal (default: SIGTERM) to a container's init process, or to all of its processes"},
    CommandRow{Command::pause, "pause", "CONTAINER-ID", 1, 1, false, "freeze all processes of a container"},
    CommandRow{Command::resume, "resume", "CONTAINER-ID", 1, 1, false,
               "let the processes of a paused container go on"},
    CommandRow{Command::update, "update", "CONTAINER-ID", 1, 1, false,
               "change limits of a container while it runs"},
    CommandRow{Command::remove, "delete", "CONTAINER-ID", 1, 1, false, "remove what a container left behind"},
    CommandRow{Command::list, "list", "", 0, 0, false, "list the containers below the state root"},
    CommandRow{Command::spec, "spec", "", 0, 0, false, "write a config.json to start from"},
    CommandRow{Command::features, "features", "", 0, 0, false, "print what this runtime can do as JSON"},
    CommandRow{Command::explain, "explain", "[CONTAINER-ID]", 0, 1, false,
               "print what create would do with a bundle, step by step, without doing it"},
    CommandRow{Command::help, "help", "[COMMAND]", 0, 1, false,
               "print help, for everything or for one command"},
};

// The values of the command line: the globals first, below them those of single verbs.
struct Options {
    Defaults defaults;  // what counts if the command line does not say it
    std::string root;
    std::string log;
    std::string log_format = "text";
    std::string log_level = "warning";
    std::string cgroup_manager = "cgroupfs";
    std::string rootless = "auto";
    std::string criu;
    bool root_given = false;  // also if it is empty, as all of these
    bool log_given = false;
    bool log_level_given = false;  // or --debug
    bool manager_given = false;    // --cgroup-manager or --systemd-cgroup, =false as well
    bool overlay_from_given = false;
    bool overlay_upper_from_given = false;
    bool seccomp_given = false;
    bool debug = false;
    bool systemd_cgroup = false;
    bool help = false;
    bool version = false;

    std::string bundle;
    std::string pid_file;
    std::string console_socket;
    std::string pidfd_socket;
    std::string trace;
    std::string fault;
    std::string overlay_from;
    std::string overlay_upper_from;
    std::string format = "table";
    std::string seccomp = "none";
    std::string interval = "5s";
    unsigned preserve_fds = 0;
    bool no_pivot = false;
    bool no_new_keyring = false;
    bool detach = false;
    bool keep = false;
    bool no_subreaper = false;
    bool force = false;
    bool all = false;
    bool quiet = false;
    bool json = false;
    bool rootless_spec = false;
    bool stats = false;

    std::string from;
    std::string process;
    std::string cwd;
    std::string user;
    std::string process_label;
    std::string apparmor;
    std::vector<std::string> env;
    std::vector<std::string> additional_gids;
    std::vector<std::string> capabilities;
    std::vector<std::string> cgroups;
    std::optional<bool> no_new_privileges;  // none: not given, which is not the same as false
    bool user_given = false;                // also if it is empty
    bool tty = false;
    bool ignore_paused = false;

    // update: numbers as words, because each has its own grammar; empty if not given
    std::string resources;
    std::string blkio_weight;
    std::string cpu_period;
    std::string cpu_quota;
    std::string cpu_burst;
    std::string cpu_idle;
    std::string cpu_share;
    std::string cpu_rt_period;
    std::string cpu_rt_runtime;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::string memory;
    std::string memory_reservation;
    std::string memory_swap;
    std::string kernel_memory;
    std::string pids_limit;
    std::string l3_cache_schema;
    std::string mem_bw_schema;

    bool logs_by_default() const { return !log_given && !defaults.log.empty(); }
};

// A set of verbs, one bit each; the empty set means a global option.
using Commands = std::uint32_t;

template <class... Names>
constexpr Commands for_commands(Names... names) {
    return ((Commands{1} << static_cast<unsigned>(names)) | ... | Commands{0});
}

enum class Shown : std::uint8_t { yes, hidden };

struct Flag {
    std::string_view name;
    char letter;  // 0: none
    // The target of the value. A vector takes every given value, all others the last one.
    std::variant<bool Options::*, std::optional<bool> Options::*, std::string Options::*, unsigned Options::*,
                 std::vector<std::string> Options::*>
        target;
    Commands commands;
    std::string_view value;  // what help calls the value; "a|b|c": one of these words and nothing else
    std::string_view help;
    Shown shown = Shown::yes;

    constexpr bool takes_value() const {
        return !std::holds_alternative<bool Options::*>(target) &&
               !std::holds_alternative<std::optional<bool> Options::*>(target);
    }
    constexpr bool is_number() const { return std::holds_alternative<unsigned Options::*>(target); }
    constexpr bool has_choices() const { return value.find('|') != std::string_view::npos; }
    constexpr bool belongs_to(Command command) const { return (commands & for_commands(command)) != 0; }
    constexpr bool is_called(std::string_view given) const {
        return given == name || (given.size() == 1 && letter != 0 && given[0] == letter);
    }
};

inline constexpr Commands global = 0;
inline constexpr Commands makers = for_commands(Command::create, Command::run);
inline constexpr Commands planners = makers | for_commands(Command::explain);
inline constexpr Commands exec = for_commands(Command::exec);
inline constexpr Commands update = for_commands(Command::update);

inline constexpr std::array flags{
    Flag{"root", 0, &Options::root, global, "DIR", "where the states of containers are kept"},
    Flag{"log", 0, &Options::log, global, "FILE", "append errors and warnings to FILE"},
    Flag{"log-format", 0, &Options::log_format, global, "text|json", "how a line of the log looks"},
    Flag{"log-level", 0, &Options::log_level, global, "error|warning|debug", "what is logged"},
    Flag{"debug", 0, &Options::debug, global, "", "the same as --log-level debug"},
    Flag{"systemd-cgroup", 0, &Options::systemd_cgroup, global, "",
         "the same as --cgroup-manager systemd; the config's cgroupsPath is SLICE:PREFIX:NAME then"},
    Flag{"cgroup-manager", 0, &Options::cgroup_manager, global, "cgroupfs|systemd|disabled",
         "who makes cgroups: bulkhead, systemd, or (disabled) nobody: the container stays in the caller's"},
    Flag{"rootless", 0, &Options::rootless, global, "true|false|auto",
         "whether a container that may not have a cgroup goes without; auto: where the caller is not root"},
    Flag{"criu", 0, &Options::criu, global, "PATH", "accepted and ignored"},
    Flag{"help", 'h', &Options::help, global, "", "print help, for everything or for one command"},
    Flag{"version", 'v', &Options::version, global, "", "print the version"},

    Flag{"bundle", 'b', &Options::bundle, planners | for_commands(Command::spec), "DIR",
         "the bundle; default: the current directory"},
    Flag{"console-socket", 0, &Options::console_socket, makers | exec, "SOCKET",
         "unix socket that receives the master side of the terminal"},
    Flag{"pidfd-socket", 0, &Options::pidfd_socket, makers, "SOCKET",
         "unix socket that receives a pidfd of the init process"},
    Flag{"pidfd-socket", 0, &Options::pidfd_socket, exec, "SOCKET",
         "unix socket that receives a pidfd of the process"},
    Flag{"pid-file", 0, &Options::pid_file, makers, "FILE", "write the pid of the init process to FILE"},
    Flag{"pid-file", 0, &Options::pid_file, exec, "FILE", "write the pid of the process to FILE"},
    Flag{"no-pivot", 0, &Options::no_pivot, planners, "",
         "chroot instead of pivot_root, on a host that runs from an initramfs; less safe"},
    Flag{"no-new-keyring", 0, &Options::no_new_keyring, planners, "", "keep the caller's session keyring"},
    Flag{"preserve-fds", 0, &Options::preserve_fds, planners | exec, "N",
         "pass the caller's descriptors 3 to 2 + N on"},
    Flag{"overlay-from", 0, &Options::overlay_from, planners, "DIR[:DIR...]",
         "the directories below which a config's annotations may name the layers of an overlay root"},
    Flag{"overlay-upper-from", 0, &Options::overlay_upper_from, planners, "DIR[:DIR...]",
         "the directories below which they may name its upper and work directory, which are written to"},
    Flag{"detach", 'd', &Options::detach, for_commands(Command::run), "", "return when the container runs"},
    Flag{"detach", 'd', &Options::detach, exec, "", "return when the process runs"},
    // `create` never waits; go-runc can send it.
    Flag{"detach", 'd', &Options::detach, for_commands(Command::create), "", "no effect", Shown::hidden},
    Flag{"keep", 0, &Options::keep, for_commands(Command::run), "",
         "keep state and cgroup when the process has ended"},
    Flag{"no-subreaper", 0, &Options::no_subreaper, for_commands(Command::run), "",
         "do not adopt orphans of the container while waiting"},
    Flag{"trace", 0, &Options::trace, for_commands(Command::run, Command::exec), "FILE",
         "write the time of each step to FILE"},
    Flag{"all", 'a', &Options::all, for_commands(Command::kill), "",
         "signal every process in the container's cgroup; a stopped container is no error"},
    Flag{"force", 'f', &Options::force, for_commands(Command::remove), "",
         "kill what still runs; an unknown container is no error"},
    Flag{"format", 'f', &Options::format, for_commands(Command::list, Command::ps), "table|json",
         "how the list looks; json: ids or pids and no ps(1)"},
    Flag{"interval", 0, &Options::interval, for_commands(Command::events), "DURATION",
         "the time between two samples, such as 5s (the default), 1m30s or 100ms"},
    Flag{"stats", 0, &Options::stats, for_commands(Command::events), "", "print one sample and return"},
    Flag{"quiet", 'q', &Options::quiet, for_commands(Command::list), "", "print ids only"},
    Flag{"from", 0, &Options::from, for_commands(Command::spec), "FILE.yaml",
         "compile the short form of a bundle into a complete config.json; - is standard input"},
    Flag{"seccomp", 0, &Options::seccomp, for_commands(Command::spec), "none|default",
         "which filter of system calls to write: none, as runc does, or one for ordinary programs"},
    Flag{"rootless", 0, &Options::rootless_spec, for_commands(Command::spec), "",
         "for a caller without root: a user namespace in which the caller is user 0"},
    Flag{"json", 0, &Options::json, for_commands(Command::explain), "", "print JSON"},
    Flag{"process", 'p', &Options::process, exec, "FILE",
         "take the process from this file, an object as in config.json, and not from PROGRAM and flags"},
    Flag{"tty", 't', &Options::tty, exec, "", "give the process a terminal"},
    Flag{"cwd", 0, &Options::cwd, exec, "DIR", "the working directory in the container"},
    Flag{"env", 'e', &Options::env, exec, "NAME=VALUE", "set an environment variable; may be repeated"},
    Flag{"user", 'u', &Options::user, exec, "UID[:GID]", "the user, and the group if it is another one"},
    Flag{"additional-gids", 'g', &Options::additional_gids, exec, "GID",
         "one more supplementary group; may be repeated"},
    Flag{"cap", 'c', &Options::capabilities, exec, "CAP_NAME", "one more capability; may be repeated"},
    Flag{"no-new-privs", 0, &Options::no_new_privileges, exec, "",
         "whether no_new_privs is set; default: as for the container's process"},
    Flag{"process-label", 0, &Options::process_label, exec, "LABEL", "the SELinux label of the process"},
    Flag{"apparmor", 0, &Options::apparmor, exec, "PROFILE", "the AppArmor profile of the process"},
    Flag{"cgroup", 0, &Options::cgroups, exec, "PATH",
         "start the process in this cgroup below the container's own"},
    Flag{"ignore-paused", 0, &Options::ignore_paused, exec, "",
         "also in a paused container: the process starts when the container is resumed"},
    Flag{"resources", 'r', &Options::resources, update, "FILE",
         "take the limits from this file (- is stdin), an object as linux.resources in config.json, and not "
         "from other flags"},
    Flag{"blkio-weight", 0, &Options::blkio_weight, update, "NUMBER", "share of block I/O, from 10 to 1000"},
    Flag{"cpu-period", 0, &Options::cpu_period, update, "USEC", "the time in which the quota counts"},
    Flag{"cpu-quota", 0, &Options::cpu_quota, update, "USEC", "CPU time in each period; -1 is no limit"},
    Flag{"cpu-burst", 0, &Options::cpu_burst, update, "USEC", "unused quota that may be used up later"},
    Flag{"cpu-idle", 0, &Options::cpu_idle, update, "0|1", "run only where nobody else wants the CPU"},
    Flag{"cpu-share", 0, &Options::cpu_share, update, "NUMBER", "share of CPU time, from 2 to 262144"},
    Flag{"cpu-rt-period", 0, &Options::cpu_rt_period, update, "USEC", "ignored: cgroup v1 only"},
    Flag{"cpu-rt-runtime", 0, &Options::cpu_rt_runtime, update, "USEC", "ignored: cgroup v1 only"},
    Flag{"cpuset-cpus", 0, &Options::cpuset_cpus, update, "LIST", "the CPUs to run on, such as 0-2,7"},
    Flag{"cpuset-mems", 0, &Options::cpuset_mems, update, "LIST", "the memory nodes to use"},
    Flag{"memory", 0, &Options::memory, update, "BYTES", "limit of memory, such as 512m; -1 is no limit"},
    Flag{"memory-reservation", 0, &Options::memory_reservation, update, "BYTES",
         "memory that is not reclaimed while others have more"},
    Flag{"memory-swap", 0, &Options::memory_swap, update, "BYTES",
         "limit of memory and swap together; -1 is no limit of swap"},
    Flag{"kernel-memory", 0, &Options::kernel_memory, update, "BYTES", "ignored: cgroup v1 only",
         Shown::hidden},
    Flag{"kernel-memory-tcp", 0, &Options::kernel_memory, update, "BYTES", "ignored: cgroup v1 only",
         Shown::hidden},
    Flag{"pids-limit", 0, &Options::pids_limit, update, "NUMBER",
         "limit of processes and threads; -1 is no limit"},
    Flag{"l3-cache-schema", 0, &Options::l3_cache_schema, update, "SCHEMA", "of Intel RDT"},
    Flag{"mem-bw-schema", 0, &Options::mem_bw_schema, update, "SCHEMA", "of Intel RDT"},
    Flag{"fault", 0, &Options::fault, planners | exec | update, "STEP:ACTION",
         "for tests: fail at a step with EPERM, ENOSYS, ENOMEM or kill", Shown::hidden},
};

constexpr const CommandRow* find_command(std::string_view name) {
    if (name == "h") name = "help";
    const auto row = std::ranges::find(commands, name, &CommandRow::name);
    return row == commands.end() ? nullptr : &*row;
}

constexpr const CommandRow& row_of(Command command) {
    return *std::ranges::find(commands, command, &CommandRow::command);
}

// The flag that `name` means after `command`: one of the verb's own, else a global one. (`spec --rootless`
// is the verb's; `create --root R` is the global.)
constexpr const Flag* find_flag(Command command, std::string_view name) {
    for (const Flag& flag : flags)
        if (flag.belongs_to(command) && flag.is_called(name)) return &flag;
    for (const Flag& flag : flags)
        if (flag.commands == global && flag.is_called(name)) return &flag;
    return nullptr;
}

// Every command has its row, in order; no name or letter means two things after the same verb.
constexpr bool tables_are_sound() {
    for (std::size_t at = 0; at < commands.size(); ++at)
        if (commands[at].command != static_cast<Command>(at + 1)) return false;
    for (const Flag& one : flags)
        for (const Flag& other : flags) {
            const bool together =
                (one.commands & other.commands) != 0 || (one.commands == global && other.commands == global);
            if (&one == &other || !together) continue;
            if (one.name == other.name || (one.letter != 0 && one.letter == other.letter)) return false;
        }
    return commands.size() == static_cast<std::size_t>(Command::help);
}
static_assert(tables_are_sound());

}  // namespace bulkhead::cli
