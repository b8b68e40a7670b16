// SPDX-License-Identifier: Apache-2.0
// Host steps on what limits a container: cgroup, unit of systemd, device filter, group of resctrl.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <vector>

#include "plan/undo.hpp"

namespace bulkhead::plan {

// ---- the cgroup -------------------------------------------------------------------------------------------

// A value for one file of a cgroup.
struct CgroupSetting {
    std::string file;          // "memory.max"
    std::string text;          // the value, as the kernel takes it with one write
    std::string pointer;       // JSON pointer of the property that asked for it
    bool may_lack = false;     // it holds even if the file or its controller is missing
    std::string other_file{};  // written instead if `file` is missing; empty: none
    std::string other_text{};
    bool operator==(const CgroupSetting&) const = default;
};

// mkdir below the cgroup2 mount. A cgroup that exists must be empty and not frozen.
struct MakeCgroup {
    static constexpr Undo undo = undone("kill what is in it, remove it");
    std::string mount;
    std::string path;
    bool optional = false;  // rootless: without the permission the container has none, as with runc
};
// Writes `+controller` into cgroup.subtree_control of every ancestor that lacks it. A failure is an error for
// the needed controllers, and ends the attempt for the others that this machine has.
struct EnableControllers {
    static constexpr Undo undo = irreversible("other containers may use them by now");
    std::string mount;
    std::string path;
    std::vector<std::string> needed;
};
// Writes the limits of linux.resources: before a process is born into the cgroup; with systemd before the
// process that waits in it goes on; in `update` once more after ChangeUnit, because systemd rounds.
struct LimitCgroup {
    static constexpr Undo undo = goes_with("the cgroup; in `update` ChangeLimits restores them");
    std::vector<CgroupSetting> settings;
};
// Gives the cgroup, without the files of its limits, to the program's user.
struct DelegateCgroup {
    static constexpr Undo undo = goes_with("the cgroup");
    std::uint32_t owner = 0;  // an id of the host
};
// update: writes new limits; if the kernel refuses one, takes back those before it.
struct ChangeLimits {
    static constexpr Undo undo = undone("the values before");
    std::vector<CgroupSetting> settings;
};
// SIGKILL to init, then to every process in the container's cgroup, if it is the recorded one.
struct KillContainer {
    static constexpr Undo undo = irreversible("the processes are dead");
};
// rmdir, with up to 10 s for dying processes. Leaves alone a cgroup with another inode, and those that were
// there before `create`.
struct RemoveCgroup {
    static constexpr Undo undo = irreversible("another delete goes on where this one stopped");
};

// ---- device rules -----------------------------------------------------------------------------------------

// Loads the BPF program of the device rules and attaches it to the cgroup; replaces one of ours that is
// there.
struct AttachDeviceFilter {
    static constexpr Undo undo = goes_with("the cgroup");
    std::vector<bpf_insn> program;
};
// update: puts another program in place of ours, in one call. If ours is gone, whoever took it away (a hook
// that adds a GPU) has put the rules of the creation into its own program.
struct ReplaceDeviceFilter {
    static constexpr Undo undo = undone("the program before");
    std::vector<bpf_insn> program;
    bool as_created = false;  // these are the rules of the creation
};

// ---- the unit of systemd ----------------------------------------------------------------------------------

// A property of a unit.
struct UnitProperty {
    std::string name;                 // "MemoryMax"
    std::string signature;            // of D-Bus: "t", "as"
    std::vector<std::string> values;  // flat: an array's length, then its elements
    bool operator==(const UnitProperty&) const = default;
};

// Has systemd start a transient unit with the waiting child of Spawn in it, and takes the cgroup that systemd
// makes. (systemd ends a scope without a process.) The cgroup must be empty before.
struct StartUnit {
    static constexpr Undo undo = undone("kill what is in it, stop the unit");
    std::string mount;
    std::string path;  // of the unit's cgroup
    std::string name;
    std::vector<UnitProperty> properties;
};
// update: tells systemd the new limits, because it writes its own again whenever it likes.
struct ChangeUnit {
    static constexpr Undo undo = undone("tells systemd the values before");
    std::vector<UnitProperty> properties;
};
// delete: stops the unit, known by its invocation, and has systemd forget it.
struct StopUnit {
    static constexpr Undo undo = irreversible("another delete goes on where this one stopped");
    std::string name;
};

// ---- the group of resctrl ---------------------------------------------------------------------------------

// Checks that the group that linux.intelRdt.closID names exists: a directory with `tasks`.
struct FindRdtGroup {
    static constexpr Undo undo = no_effect();
    std::string path;
};
// mkdir of a group; takes one that exists.
struct MakeRdtGroup {
    static constexpr Undo undo = undone("remove it, if we made it");
    std::string mount;  // of resctrl
    std::string path;
};
// Compares the values of an existing group's schemata, whatever their spelling; does nothing in a group that
// we made.
struct CompareSchemata {
    static constexpr Undo undo = no_effect();
    std::string path;
    std::string lines;
};
// mkdir of mon_groups/ID in the group; one that exists is an error, because it is for this container alone.
struct MakeMonitoringGroup {
    static constexpr Undo undo = undone("remove it");
    std::string mount;
    std::string path;
};
// Writes the lines of one property in one write: of two that name the same resource the later holds.
struct WriteSchemata {
    static constexpr Undo undo = goes_with("the group");
    std::string mount;
    std::string path;
    std::vector<std::string> lines;
};
// update: writes new schemata, the cache first; if one is refused, takes back those before it.
struct ChangeSchemata {
    static constexpr Undo undo = undone("the values before");
    std::string mount;
    std::string path;
    std::vector<std::string> lines;
};
// The process's id into `tasks` of the group, then into that of its monitoring group. The process has made
// nothing yet, so all that it makes is born there.
struct JoinRdtGroup {
    static constexpr Undo undo = goes_with("the process");
    std::string mount;
    std::string path;
    std::string monitoring;  // empty: none
};
// delete: rmdir of the groups that are ours, known by their inodes; a group that closID names stays.
struct RemoveRdtGroup {
    static constexpr Undo undo = irreversible("another delete goes on where this one stopped");
};

}  // namespace bulkhead::plan
