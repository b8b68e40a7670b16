// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the host lane: what the runtime itself does around the stage. Host steps stay in this
// process, so they may own strings; runtime/run.cpp has an apply() for each and an undo() for those that
// leave something.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plan/vocabulary.hpp"

namespace bulkhead::plan {

// ---- making a container ---------------------------------------------------------------------------------

// The id's directory below the state root. mkdir is the lock of creation: of two callers one gets EEXIST.
struct MakeStateDirectory {
    std::string path;
};
// Writes state.json, and a copy of config.json for exec and hooks: everything that removing needs is on disk
// before the effect that needs removing.
struct RecordIntent {};
struct MakeCgroup {
    std::string mount;
    std::string path;
    bool optional = false;  // rootless: without the permission there is none, as with runc
};
// What is written to one file of a cgroup.
struct CgroupSetting {
    std::string file;          // "memory.max"
    std::string text;          // one value, as the kernel takes it with one write
    std::string pointer;       // JSON pointer of the property that asked for it
    bool may_lack = false;     // it holds where the file or its controller is missing, too
    std::string other_file{};  // to be written instead where `file` is not there; empty: none
    std::string other_text{};
    bool operator==(const CgroupSetting&) const = default;
};
// A property of a systemd unit.
struct UnitProperty {
    std::string name;                 // "MemoryMax"
    std::string signature;            // of D-Bus: "t", "as"
    std::vector<std::string> values;  // flat: an array's elements behind their number
    bool operator==(const UnitProperty&) const = default;
};
// Hands controllers down to the cgroup: "+memory" in cgroup.subtree_control of all above it. The others that
// this machine has as far as it goes.
struct EnableControllers {
    std::string mount;
    std::string path;
    std::vector<std::string> needed;
};
// The limits, before a process is born into it.
struct LimitCgroup {
    std::vector<CgroupSetting> settings;
};
// systemd makes the cgroup: a transient unit, whose first process is the one that SPAWN made and that still
// waits. (A scope is never without one: systemd would end it.) Before that nothing may be in the cgroup.
struct StartUnit {
    std::string mount;
    std::string path;  // of the unit's cgroup
    std::string name;
    std::vector<UnitProperty> properties;
};
// Adds the cgroup's inode to state.json, before a process is born into it, or the one in it is let go: a path
// alone may be another's later.
struct RecordCgroup {};
// The container owns its cgroup, but not the limits that hold for it.
struct DelegateCgroup {
    std::uint32_t owner = 0;  // an id of the host
};
// Of resctrl, whose groups are directories with `tasks` and `schemata`. linux.intelRdt.closID names one that
// has to be there: its root, or one that somebody has prepared.
struct FindRdtGroup {
    std::string path;
};
// One that is there is used as it is.
struct MakeRdtGroup {
    std::string mount;  // of resctrl
    std::string path;
};
// In a group that was there: it has to say these values already. Nothing in one that we have made.
struct CompareSchemata {
    std::string path;
    std::string lines;
};
// mon_groups/ID of it, which must not be there: for this container alone.
struct MakeMonitoringGroup {
    std::string mount;
    std::string path;
};
// Adds to state.json which of both are ours.
struct RecordRdtGroup {};
// One write, of one property: of two that name the same resource the later holds.
struct WriteSchemata {
    std::string mount;
    std::string path;
    std::vector<std::string> lines;
};
// update: undone by the values before.
struct ChangeSchemata {
    std::string mount;
    std::string path;
    std::vector<std::string> lines;
};
// A thread that has made nothing yet goes in, so all that it makes is born there.
struct JoinRdtGroup {
    std::string mount;
    std::string path;
    std::string monitoring;  // its group of monitoring; empty: none
};
// How the ids of a file system look through a mount (mount_setattr(2), MOUNT_ATTR_IDMAP): the texts that
// /proc/PID/uid_map and gid_map take.
struct IdMaps {
    std::string uids;
    std::string gids;
    bool whole_tree = false;  // ridmap
};
// What a device node of the host has to be before it is bound.
struct DeviceIdentity {
    std::uint32_t kind;  // S_IFCHR, S_IFBLK
    std::uint32_t major;
    std::uint32_t minor;
};
// A detached clone of a directory or file of the host with its attributes set: the root or a bind source.
struct CloneTree {
    std::string path;
    Slot slot;
    bool recursive = false;
    MountAttributes attributes{};
    std::vector<std::uint32_t> propagation;  // MS_SHARED and so on, MS_REC; in order
    std::optional<IdMaps> id_maps;
    std::optional<DeviceIdentity> device;
};
// The root of a container without a mount namespace: the directory as it is or, where something shall be
// mounted in it, a private bind of it over itself in the runtime's own namespace, whose id is in state.json
// before it is attached. Nothing else of the host's mounts changes.
struct OpenRoot {
    std::string path;
    Slot slot;
    bool bound = false;
};
// Opens a namespace to be joined and checks its type, before any is entered.
struct OpenNamespace {
    std::string path;
    std::uint64_t type;  // CLONE_NEW*
    Slot slot;
    std::string refused_as_own;  // why it must not be the runtime's own; empty: it may
};
// A new mqueue file system of the ipc namespace in `ipc` (none: the runtime's own), which the container's
// user namespace does not own.
struct OpenMessageQueues {
    std::optional<Slot> ipc;
    MountAttributes attributes{};
    Slot slot;
};
// A socket without a name, where the container's program says that it is ready (sd_notify(3)). The stage
// gives it its name, in a file system of the container's own: nothing of it is in the state directory.
struct MakeNotifySocket {
    Slot slot;
};
// The page by which the host tells the stage that it has the seccomp listener.
struct MakeHandshake {
    Slot slot;
};
struct MakeStartFifo {
    Slot slot;
};
// Connects to --console-socket before anything is started, so that a socket nobody listens on fails early.
struct ConnectConsole {
    std::string path;
};
// An open namespace, which the host itself joins for the moment of clone3, or the stage.
struct Inherited {
    Slot file;
    std::uint32_t flag;  // CLONE_NEW*
};
// Ids of the container's user namespace.
struct InnerIds {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};
// clone3(2): here the walker becomes two. The child executes the stage; the rest of the host lane goes on
// beside it.
struct Spawn {
    std::uint64_t namespaces = 0;      // CLONE_NEW*
    std::vector<Inherited> inherited;  // the child is born there
    bool awaits_preparation = false;   // the child waits for SendPrepared
    std::optional<InnerIds> ids;       // ... and then takes these
    std::vector<std::uint32_t> cpus;   // bits of CPUs to be born on; empty: those of the runtime
};
// /proc/PID/uid_map and gid_map of the new user namespace: by ourselves, or by newuidmap(1) and newgidmap(1).
struct WriteIdMaps {
    IdMaps maps;
    bool by_helper = false;
    bool deny_setgroups = false;
};
// /proc/PID/oom_score_adj
struct SetOomScore {
    std::int32_t value;
};
// What only the host can do to the new process is done; it may become the stage.
struct SendPrepared {};
// The stage's copy takes its place: from here on it is the container's process.
struct AwaitRespawn {};
// A network device of the host goes into the container's network namespace, with its permanent addresses.
struct MoveNetDevice {
    std::string host_name;
    std::string name;          // there
    std::optional<Slot> file;  // the namespace, if joined; none: that of the new process
};
struct AttachDeviceFilter {
    std::vector<bpf_insn> program;
};
// Another one in its place, in one step; undone by the one before. Where ours is not there any more, whoever
// took it away (a hook that adds a GPU) has put the rules of the creation into his own.
struct ReplaceDeviceFilter {
    std::vector<bpf_insn> program;
    bool as_created = false;  // these are the rules of the creation
};
// Adds pid, start time and pidfd inode to state.json, before the process is let go.
struct RecordProcess {};
struct SendGo {};
struct AwaitReady {};
// run: waits until the program has been executed, so that a failing execve is this command's failure.
struct AwaitExecution {};
struct SendConsole {};
// Takes the seccomp listener from the stage and sends it to the agent, with the container's state.
struct DeliverListener {
    std::string path;
    std::string metadata;
    std::string status = "creating";  // of the container
};
struct SendPidfd {
    std::string path;
    std::string kind;  // runc's word: "standard" for init, "setns" for exec
};
struct WritePidFile {
    std::string path;
};
// From here on the container exists for other callers.
struct Publish {};

// ---- a further process in one ---------------------------------------------------------------------------

// A pidfd of the container's init, and namespaces that its children are in before it is itself: a joined pid
// namespace, a new time namespace.
struct FindInit {
    Slot process;
    std::vector<Inherited> of_children;
    std::optional<Slot> root;  // its root directory, where no mount namespace leads there
};
// The cgroup of the container, or one below it, for SPAWN: by the inode that the record names.
struct FindCgroup {
    std::string below;  // "": its own
};
// The lock on the container goes: from here on other verbs may act, and whoever removes the container finds
// the new process in its cgroup.
struct ReleaseContainer {};

// ---- hooks ----------------------------------------------------------------------------------------------

// What a hook reads, and where it writes to.
struct MakeHookStreams {
    Slot input;
    Slot output;
};
enum class HookKind : std::uint8_t {
    prestart,
    create_runtime,
    create_container,
    start_container,
    poststart,
    poststop,
};
// The name of config.md, "POSIX-platform Hooks".
constexpr std::string_view word(HookKind kind) {
    constexpr std::string_view words[] = {"prestart",       "createRuntime", "createContainer",
                                          "startContainer", "poststart",     "poststop"};
    return words[static_cast<std::size_t>(kind)];
}
class Timeline;
struct Hook {
    std::string path;
    std::shared_ptr<const Timeline> timeline;  // its birth
    std::optional<std::int64_t> timeout_s;
};
// One after the other; the first that fails ends it, but those of poststop all run.
struct RunHooks {
    HookKind kind;
    std::vector<Hook> hooks;
};

// ---- starting, changing and removing
// one---------------------------------------------------------------------

struct ReleaseInit {};
// Waits until init has executed its program, or has ended; not for ever.
struct AwaitProgram {};
struct RemoveStartFifo {};
// update: limits of a container that is there. Undone by the values before.
struct ChangeLimits {
    std::vector<CgroupSetting> settings;
};
// The same limits for systemd, which writes them again whenever it likes. Undone like ChangeLimits, which
// comes before it.
struct ChangeUnit {
    std::vector<UnitProperty> properties;
};
// SIGKILL to everything in the container's cgroup, and waits until it is gone.
struct KillContainer {};
// The unit is stopped, and systemd forgets it.
struct StopUnit {
    std::string name;
};
// What OpenRoot has mounted, and no other mount; with all that is mounted below.
struct DetachRoot {};
// What we have made, unless closID names it.
struct RemoveRdtGroup {};
struct RemoveCgroup {};
struct RemoveStateDirectory {
    std::string path;
};

using HostOp = std::variant<
    MakeStateDirectory, RecordIntent, MakeCgroup, EnableControllers, LimitCgroup, StartUnit, RecordCgroup,
    DelegateCgroup, CloneTree, OpenRoot, OpenNamespace, OpenMessageQueues, MakeNotifySocket, MakeHandshake,
    MakeStartFifo, ConnectConsole, Spawn, WriteIdMaps, SetOomScore, SendPrepared, AwaitRespawn, MoveNetDevice,
    AttachDeviceFilter, RecordProcess, SendGo, AwaitReady, AwaitExecution, SendConsole, DeliverListener,
    SendPidfd, WritePidFile, Publish, FindInit, FindCgroup, ReleaseContainer, MakeHookStreams, RunHooks,
    ReleaseInit, AwaitProgram, RemoveStartFifo, ChangeLimits, ChangeUnit, ReplaceDeviceFilter, KillContainer,
    StopUnit, DetachRoot, FindRdtGroup, MakeRdtGroup, CompareSchemata, MakeMonitoringGroup, RecordRdtGroup,
    WriteSchemata, ChangeSchemata, JoinRdtGroup, RemoveRdtGroup, RemoveCgroup, RemoveStateDirectory>;

}  // namespace bulkhead::plan
