// SPDX-License-Identifier: Apache-2.0
// Host steps on the process that becomes the container's: its birth, what only the host may write about it,
// and the meetings with the stage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/host_resources.hpp"

namespace bulkhead::plan {

// An open namespace that the stage enters, or the host for the moment of clone3.
struct Inherited {
    Slot file;
    std::uint32_t flag;  // CLONE_NEW*
};
// Ids of the container's user namespace.
struct InnerIds {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};
// Where the child of Spawn is born if the kernel refuses the container's cgroup.
enum class Birthplace : std::uint8_t {
    // Nowhere yet: systemd moves it. A login session is not below the user's own systemd, and between the two
    // only root moves a process or is born across. EACCES, EPERM.
    of_systemd,
    // The cgroup below that init is in: the container's own hands controllers down, so it may hold no process
    // (EBUSY), or it is not threaded while what is below it is (EOPNOTSUPP). cgroups(7), "No internal
    // processes".
    of_init,
    // The runtime's own: the mover of a process must be able to write where it comes from, too (cgroups(7),
    // "Delegation containment"). EACCES, EPERM.
    of_runtime,
    // The same; the container goes without a cgroup, and the one that was made is removed.
    of_runtime_for_good,
};
// clone3 with CLONE_INTO_CGROUP (unless systemd makes the cgroup), CLONE_PIDFD and the new namespaces. The
// child executes the stage; from here on two walkers share the list.
struct Spawn {
    static constexpr Undo undo = undone("kill, reap");
    std::uint64_t namespaces = 0;       // CLONE_NEW*
    std::vector<Inherited> inherited;   // the child is born there
    bool awaits_preparation = false;    // the child waits for SendPrepared
    std::optional<InnerIds> ids;        // ... and then takes these
    std::vector<std::uint32_t> cpus;    // bits of CPUs to be born on; empty: those of the runtime
    std::vector<Birthplace> otherwise;  // if the kernel refuses the container's cgroup: the first that fits
};
// uid_map, gid_map and setgroups of the new user namespace, directly or by newuidmap(1) and newgidmap(1).
struct WriteIdMaps {
    static constexpr Undo undo = goes_with("the process");
    IdMaps maps;
    bool by_helper = false;
    bool deny_setgroups = false;
};
// Writes the process's oom_score_adj.
struct SetOomScore {
    static constexpr Undo undo = goes_with("the process");
    std::int32_t value;
};
// One byte to the child of Spawn, which then takes its ids and becomes the stage.
struct SendPrepared {
    static constexpr Undo undo = goes_with("the process");
};
// One byte to the stage: the host's own work is done.
struct SendGo {
    static constexpr Undo undo = goes_with("the process");
};
// Reads reports until *respawned*, takes the copy's pidfd and reaps the first process. From here on the copy
// is the container's process.
struct AwaitRespawn {
    static constexpr Undo undo = goes_with("the process");
    static constexpr Wording wording = Wording::of_the_stage;
};
// Reads reports until *ready*.
struct AwaitReady {
    static constexpr Undo undo = no_effect();
    static constexpr Wording wording = Wording::of_the_stage;
};
// run: reads reports until *executing*, then waits until execve has closed the socket, so that a failing
// execve is an error of this command.
struct AwaitExecution {
    static constexpr Undo undo = no_effect();
    static constexpr Wording wording = Wording::of_the_stage;
};
// A page of shared memory with one word; the word tells the stage that the seccomp listener is delivered, or
// that the host is dead (a robust futex: the kernel writes it).
struct MakeHandshake {
    static constexpr Undo undo = no_effect();
    Slot slot;
    using Fills = Members<&MakeHandshake::slot>;
};
// Reads reports until *listening*, takes the listener by pidfd_getfd, sends it with the container's state to
// the agent, and says so in the handshake.
struct DeliverListener {
    static constexpr Undo undo = irreversible("the agent has it; it ends with the process");
    static constexpr Wording wording = Wording::of_the_stage;
    std::string path;
    std::string metadata;
    std::string status = "creating";  // of the container
};
// exec: opens a pidfd of the container's init, found by pid, start time and pidfd inode, and the namespaces
// that its children are in before it is itself: a joined pid namespace, a new time namespace.
struct FindInit {
    static constexpr Undo undo = no_effect();
    Slot process;
    std::vector<Inherited> of_children;
    std::optional<Slot> root;  // its root directory, if no mount namespace leads there
    using Fills = Members<&FindInit::process, &FindInit::of_children, &FindInit::root>;
};
// exec: finds the container's cgroup by the inode in the record, or one below it.
struct FindCgroup {
    static constexpr Undo undo = no_effect();
    std::string below;  // "": its own
};

}  // namespace bulkhead::plan
