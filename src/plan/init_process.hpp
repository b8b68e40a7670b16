// SPDX-License-Identifier: Apache-2.0
// Init steps on the process: session, labels, scheduling, ids, capabilities, the program. Freestanding.
#pragma once

#include <cstdint>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// Joins a new anonymous session keyring, so that the caller's keys stay outside.
struct JoinKeyring {};
// setsid.
struct StartSession {};
// Makes the terminal on descriptor 0 the session's controlling terminal. Only the session's leader can, so
// it comes after Respawn.
struct ClaimTerminal {};
// Opens a procfs that nothing is mounted over: a new one, else the host's, by handle (CVE-2025-52881).
struct OpenProcfs {
    std::uint32_t own;  // 1: try a new one first
};
// Writes an attribute of a security module and reads it back: a label that is not in force is an error.
struct SetLabel {
    Text module;     // "apparmor", "selinux"
    Text attribute;  // "exec", "keycreate"
    Text value;
};
// Makes a hook's `input` descriptor 0 and its `output` descriptors 1 and 2.
struct TakeStdio {
    Slot input;
    Slot output;
    using Reads = Members<&TakeStdio::input, &TakeStdio::output>;
};
// Has the kernel kill a hook when the runtime dies, which watches over the hook's time (PR_SET_PDEATHSIG).
struct DieWithHost {};
// sched_setaffinity to the CPUs whose bits are set; without any, to every CPU that the cgroup allows,
// whatever the caller's own mask.
struct SetAffinity {
    Numbers mask;
};
// sched_setattr: policy, nice value, priority, deadline.
struct SetScheduler {
    std::uint32_t policy;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint32_t reserved;
    std::uint64_t flags;
    std::uint64_t runtime;  // nanoseconds
    std::uint64_t deadline;
    std::uint64_t period;
};
// ioprio_set: I/O class and priority.
struct SetIoPriority {
    std::uint32_t value;  // class and priority as the kernel packs them
};
// set_mempolicy: the NUMA memory policy.
struct SetMemoryPolicy {
    std::uint32_t mode;  // MPOL_* and MPOL_F_*, or'ed
    Numbers nodes;       // a bit for each node, in whole longs; none: no mask
};
// personality: the execution domain.
struct SetPersonality {
    std::uint32_t domain;
};
// prlimit: one resource limit.
struct SetRlimit {
    std::uint64_t soft;
    std::uint64_t hard;
    std::uint32_t resource;
};
// openat2 and fchdir to the working directory; getcwd must lie below the root afterwards.
struct EnterDirectory {
    Text path;
};
// fchown of pipes and sockets on 0 to 2 to the container's user; never of a file, a device or a directory.
struct OwnStdio {
    std::uint32_t uid;
};
// Drops every capability that is not in `keep` from the bounding set.
struct LimitBounding {
    std::uint64_t keep;
    std::uint32_t last;  // the kernel's last capability
};
// setgroups: the supplementary groups.
struct SetGroups {
    Numbers gids;
};
// setresgid, then setresuid; capabilities survive until SetCapabilities.
struct SetIds {
    std::uint32_t uid;
    std::uint32_t gid;
};
// capset of the effective, permitted and inheritable sets, then the ambient set.
struct SetCapabilities {
    std::uint64_t effective;
    std::uint64_t permitted;
    std::uint64_t inheritable;
    std::uint64_t ambient;
};
// umask.
struct SetUmask {
    std::uint32_t mask;
};
// Fills HOME from the container's /etc/passwd, of which it reads a bounded part; "/" if that says nothing.
struct FindHome {
    Text variable;  // "HOME=/" with room up to `capacity`
    std::uint32_t capacity;
    std::uint32_t uid;
};
// Finds the first candidate that is a file and that the user who will run it may execute.
struct FindProgram {
    Text name;
    Texts candidates;
};
// PR_SET_NO_NEW_PRIVS.
struct ForbidNewPrivileges {};

}  // namespace bulkhead::plan
