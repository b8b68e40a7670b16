// SPDX-License-Identifier: Apache-2.0
// The values of the flags: one struct for the global ones, one for each verb that has flags of its own. The
// names of the flags and their help are in flags.cpp. A member is std::optional if it matters that a flag was
// given.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/commands.hpp"
#include "cli/defaults.hpp"
#include "cli/flag_set.hpp"

namespace bulkhead::cli {

struct GlobalFlags {
    std::optional<std::string> root;
    std::optional<std::string> log;
    std::string log_format = "text";
    std::optional<std::string> log_level;
    std::optional<bool> debug;
    std::optional<bool> systemd_cgroup;
    std::optional<std::string> cgroup_manager;
    std::string rootless = "auto";
    std::string criu;
    bool help = false;
    bool version = false;
};

// Of create, run and explain.
struct BundleFlags {
    std::string bundle;
    bool no_pivot = false;
    bool no_new_keyring = false;
    unsigned preserve_fds = 0;
    std::optional<std::string> overlay_from;
    std::optional<std::string> overlay_upper_from;
    std::string fault;
};

// Of create, run and exec: the places where the caller learns of the process.
struct CallerFlags {
    std::string console_socket;
    std::string pidfd_socket;
    std::string pid_file;
};

struct CreateFlags : BundleFlags, CallerFlags {
    bool detach = false;  // no effect: `create` never waits, and go-runc can send it
};

struct RunFlags : BundleFlags, CallerFlags {
    bool detach = false;
    bool keep = false;
    bool no_subreaper = false;
    std::string trace;
};

struct ExplainFlags : BundleFlags {
    bool json = false;
};

struct ExecFlags : CallerFlags {
    unsigned preserve_fds = 0;
    bool detach = false;
    std::string trace;
    std::string process;
    bool tty = false;
    std::string cwd;
    std::vector<std::string> env;
    std::optional<std::string> user;
    std::vector<std::string> additional_gids;
    std::vector<std::string> capabilities;
    std::optional<bool> no_new_privileges;
    std::string process_label;
    std::string apparmor;
    std::vector<std::string> cgroups;
    bool ignore_paused = false;
    std::string fault;
};

struct PsFlags {
    std::string format = "table";
};

struct EventsFlags {
    std::string interval = "5s";
    bool stats = false;
};

struct KillFlags {
    bool all = false;
};

struct DeleteFlags {
    bool force = false;
};

struct ListFlags {
    std::string format = "table";
    bool quiet = false;
};

struct SpecFlags {
    std::string bundle;
    std::string from;
    std::optional<std::string> seccomp;
    bool rootless = false;
};

// Numbers are words, because each has its own grammar; empty if not given.
struct UpdateFlags {
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
    std::string fault;
};

using VerbFlags = std::variant<std::monostate, CreateFlags, RunFlags, ExplainFlags, ExecFlags, PsFlags,
                               EventsFlags, KillFlags, DeleteFlags, ListFlags, SpecFlags, UpdateFlags>;

// The flags of a verb, none of them given; std::monostate for a verb without flags and for Command::none.
VerbFlags flags_of(Command command);

// Adds the flags to a set, in the order of the help text. Their targets are the members.
void describe(FlagSet& set, GlobalFlags& flags);
void describe(FlagSet& set, VerbFlags& flags);

// What a call goes by: the command line, and bulkhead.yaml for what that leaves out.
struct Options {
    GlobalFlags global;
    VerbFlags verb;
    Defaults defaults;

    bool logs_by_default() const { return !global.log && !defaults.log.empty(); }
    bool names_a_cgroup_manager() const { return global.cgroup_manager || global.systemd_cgroup; }
};

}  // namespace bulkhead::cli
