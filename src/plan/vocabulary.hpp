// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the init lane: everything that bulkhead can do to a kernel from inside a new container,
// one small flat struct a verb. A step is data; what it does is the apply() of the room that owns it, and all
// of them are linked into the freestanding stage. No flag changes what a struct means, and none holds a
// pointer.
//
// The host lane's vocabulary is plan/host_vocabulary.hpp. Both together are listed in bulkhead(8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "plan/arena.hpp"
#include "plan/verb_list.hpp"

namespace bulkhead::plan {

// ---- the stage itself (runtime/stage) -------------------------------------------------------------------

// Marks every descriptor from `first` on close-on-exec, those a sloppy caller leaked among them.
struct MarkDescriptors {
    std::uint32_t first;
};
// Every signal at its default and none blocked, whatever the caller had ignored.
struct ResetSignals {};
// Sleeps until the host's "go": its own work (device filter, limits, record) is done.
struct AwaitGo {};
// Tells the host that nothing but the start is missing.
struct ReportReady {};
// Sleeps until `bulkhead start` writes to the exec fifo.
struct AwaitStart {
    Slot fifo;
};
// Closes every descriptor from `first` on for good; the report socket, itself close-on-exec, stays, and with
// `keeps` the slot `kept`, with `keeps_socket` that of the notify socket, which `start` takes.
struct CloseDescriptors {
    std::uint32_t first;
    bool keeps = false;
    Slot kept{};
    bool keeps_socket = false;
    Slot socket{};
};
// Tells the host that only the filter, if there is one, and execve are left.
struct ReportExecution {};
// execve(2) of what FindProgram found.
struct Execute {
    Texts arguments;
    Texts environment;
    Pointers argv;
    Pointers envp;
};

// RESPAWN: the stage clones itself (CLONE_PARENT, so that the host stays the parent), tells the host the new
// pid and exits; the copy goes on with the next step. Only a child is in a pid namespace that was joined or
// unshared.
struct Respawn {};

// ---- namespaces -----------------------------------------------------------------------------------------

// setns(2) into the namespace that the host opened; `flag` is its one CLONE_NEW*.
struct JoinNamespace {
    Slot file;
    std::uint32_t flag;
};
// Takes ids of the user namespace that was joined: whoever has none there owns nothing that it makes.
struct AssumeIds {
    std::uint32_t uid;
    std::uint32_t gid;
};
// exec: setns(2) by the pidfd of a process of the container, into all its namespaces at once (5.8); with the
// mount namespace the root is the container's.
struct JoinContainer {
    Slot process;
    std::uint64_t flags;  // CLONE_NEW*
};
// unshare(2). A cgroup namespace takes the unsharing process's cgroup as its root, so it is made here, where
// the process is already in its final cgroup: kernels differ in what clone3(NEWCGROUP | INTO_CGROUP) takes.
struct UnshareNamespaces {
    std::uint64_t flags;
};
// The offsets of an unshared time namespace, before a process is in it (time_namespaces(7)).
struct SetTimeOffsets {
    Text lines;  // "monotonic 1 0\n": clock, seconds, nanoseconds
};
struct RaiseLoopback {};
// Writes a namespaced kernel parameter by the procfs of OpenProcfs, before any mount of the config is there.
struct SetSysctl {
    Text path;  // below /proc/sys
    Text value;
};
struct SetHostname {
    Text name;
};
struct SetDomainname {
    Text name;
};

// ---- rootfs ---------------------------------------------------------------------------------------------

// Nothing mounted from here on is seen by the host, and nothing of the host's arrives.
struct IsolateMounts {};
// Behind it, steps that change a mount do so with mount(2), and only once it is attached: for a kernel before
// 5.14, whose mount_setattr(2) is missing or does not know every attribute. mount(2) takes a path, so a mount
// is named by its descriptor in the procfs of OpenProcfs.
struct ChangeMountsByName {};
// Attaches the detached tree of the root; PivotRoot makes it the root.
struct AttachRoot {
    Slot tree;
    Text place{};           // a directory of the host, where hooks expect it; empty: over "/"
    Numbers propagation{};  // what the tree has not got yet: MS_SHARED and so on, MS_REC; in order
};
// A root that is there already, of a container without a mount namespace: what the host has opened.
struct TakeRoot {
    Slot root;
};
// The root as an overlay: layers and, unless it is read-only, an upper directory, all below directories that
// the administrator allowed, attached over "/". Every path is a pair: an allowed directory, and what must
// resolve beneath it.
struct MountOverlay {
    Texts lower;                 // pairs, topmost first
    Texts upper;                 // pairs of upper and work; empty: see `size`
    Text size;                   // of the tmpfs that holds a throw-away upper; empty: no upper at all
    Text place;                  // as AttachRoot's
    std::uint32_t user_xattr;    // 1: mounted in a user namespace
    std::uint32_t by_parameter;  // 1: fsconfig lowerdir+ (6.7); 0: mount(2)
};
// What a mount gets before anything can reach it: MOUNT_ATTR_*, for the mount itself and for its whole tree.
struct MountAttributes {
    std::uint32_t set = 0;
    std::uint32_t clear = 0;
    std::uint32_t set_tree = 0;
    std::uint32_t clear_tree = 0;

    bool operator==(const MountAttributes&) const = default;
};
// The host's CloneTree, done by the stage: an unprivileged host may not clone, but its user namespace may.
struct CloneSource {
    Text path;  // of the host
    MountAttributes attributes;
    Numbers propagation;  // MS_SHARED and so on, MS_REC; in order
    Slot slot;
    std::uint16_t recursive;
};
// A new file system: fsopen, fsconfig of each "key=value" or "key", fsmount with `attributes`, and only then,
// when all is set, attached at `target` (made if missing).
struct MountFilesystem {
    Text type;
    Text source;
    Path target;
    Texts options;
    Numbers propagation;       // MS_SHARED and so on, MS_REC; in order
    std::uint32_t attributes;  // MOUNT_ATTR_*
    Anchor anchor;
    std::uint8_t plain_target_only : 1;  // no part of the target may be a link (proc, sysfs: CVE-2019-19921)
    std::uint8_t inherit_mode : 1;       // take the permissions of the directory below (tmpfs)
    std::uint8_t copy_up : 1;            // take what is in the directory below (tmpcopyup)
    std::uint8_t sized : 1;              // `options` say how much it may hold
    std::uint8_t kept : 1;               // later steps reach something in it
};
// Changes a mount that is there already: options of its file system, attributes of the mount.
struct Remount {
    Path target;
    Texts options;
    Numbers propagation;  // MS_SHARED and so on, MS_REC; in order
    MountAttributes attributes;
    std::uint32_t whole_filesystem;  // 0: the mount alone (remount,bind)
};
// Attaches a tree that was cloned (bind mounts) at `target`, made as a file or directory if missing.
struct AttachTree {
    Slot tree;
    Path target;
    MountAttributes attributes{};  // what the tree has not got yet
    Numbers propagation{};         // likewise: MS_SHARED and so on, MS_REC; in order
    Anchor anchor{};
};
// A tmpfs of its own at `target` with the socket in it, as notify.sock; then read-only. It is bounded, and
// all that a container can fill that makes it writable again.
struct MountNotifySocket {
    Slot socket;
    Path target;
    Texts options;
    Anchor anchor{};
};
struct MakeDevice {
    Path path;
    std::uint32_t mode;  // S_IFCHR or S_IFBLK and the permissions
    std::uint32_t major;
    std::uint32_t minor;
    std::uint32_t uid;
    std::uint32_t gid;
};
// A symbolic link in /dev; one that leads to a missing absolute path is not made.
struct MakeLink {
    Path path;
    Text target;
    Path source{};  // the same, where it is absolute
};
// Hides a path: a directory under an empty read-only tmpfs, anything else under the container's null device.
// A missing path is left alone.
struct MaskPath {
    Path path;
    Path null;  // the container's null device
    Anchor anchor{};
};
// Makes a path and what is mounted below it read-only. A missing path is left alone.
struct ProtectPath {
    Path path;
    Anchor anchor{};
};
// Makes a directory if it is missing. With an anchor it is kept, for several steps below it.
struct MakeDirectory {
    Path path;
    Anchor anchor{};
};
// Finds a directory once, for several steps below it that have to mean the same one. A missing one stays so.
struct HoldDirectory {
    Path path;
    Anchor anchor;
};
// Whether what was attached (or was missing) at a path is what the path leads to, by its names: a neighbour
// that shares the root may have moved them meanwhile, and then nothing runs.
struct ComparePlace {
    Path path;
    Anchor anchor;
};
// A pty of the container's own devpts: its master goes to the host, its slave becomes descriptors 0 to 2 and
// with `console` /dev/console.
struct OpenTerminal {
    std::uint32_t uid;
    std::uint16_t rows;
    std::uint16_t columns;
    std::uint16_t console;  // 1: init's
    Path terminals;         // the devpts
    Path place{};           // of /dev/console
    Anchor anchor{};        // likewise
};
// Puts the container's own null device in the place of the caller's on descriptors 0 to 2: whoever holds the
// host's can change its mode for the whole machine.
struct ReplaceNull {
    Path null;
};
struct ProtectRoot {};
struct PivotRoot {};
// chroot. --no-pivot, for a host that runs from an initramfs: the old root stays below, so every procfs and
// sysfs of the host goes first. Without a mount namespace nothing goes, for it is the host's own.
struct ChangeRoot {
    Texts kernel_mounts;  // their mount points on the host
    std::uint32_t moves;  // 1: the root is attached somewhere else than over "/", where exec looks for it
};
// linux.rootfsPropagation, once the root is the root.
struct SetRootPropagation {
    std::uint32_t flags;  // MS_SHARED and so on, MS_REC
};

// ---- process --------------------------------------------------------------------------------------------

// A new anonymous session keyring, so that the caller's keys stay outside.
struct JoinKeyring {};
struct StartSession {};
// Makes the terminal on descriptor 0 the session's controlling terminal.
struct ClaimTerminal {};
// A procfs that nobody can have changed: one of our own or the host's, by handle (CVE-2025-52881).
struct OpenProcfs {
    std::uint32_t own;  // 1: try a new one first
};
// Writes an attribute of a security module and reads it back: a label that is not in force is an error.
struct SetLabel {
    Text module;     // "apparmor", "selinux"
    Text attribute;  // "exec", "keycreate"
    Text value;
};
// A hook's descriptors: 0 is `input`, 1 and 2 are `output`.
struct TakeStdio {
    Slot input;
    Slot output;
};
// A hook does not outlive the runtime, which watches over its time (PR_SET_PDEATHSIG).
struct DieWithHost {};
// sched_setaffinity(2) to the CPUs whose bits are set; without any: to every CPU that the cgroup allows,
// whatever the caller was confined to.
struct SetAffinity {
    Numbers mask;
};
// sched_setattr(2)
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
// ioprio_set(2)
struct SetIoPriority {
    std::uint32_t value;  // class and priority as the kernel packs them
};
// set_mempolicy(2)
struct SetMemoryPolicy {
    std::uint32_t mode;  // MPOL_* and MPOL_F_*, or'ed
    Numbers nodes;       // a bit for each node, in whole longs; none: no mask
};
struct SetPersonality {
    std::uint32_t domain;
};
struct SetRlimit {
    std::uint64_t soft;
    std::uint64_t hard;
    std::uint32_t resource;
};
struct EnterDirectory {
    Text path;
};
// Gives pipes and sockets on 0 to 2 to the container's user; never a file, a device or a directory.
struct OwnStdio {
    std::uint32_t uid;
};
// Keeps only the capabilities of `keep` in the bounding set.
struct LimitBounding {
    std::uint64_t keep;
    std::uint32_t last;  // the kernel's last capability
};
struct SetGroups {
    Numbers gids;
};
// Group first, then user; capabilities survive until SetCapabilities.
struct SetIds {
    std::uint32_t uid;
    std::uint32_t gid;
};
struct SetCapabilities {
    std::uint64_t effective;
    std::uint64_t permitted;
    std::uint64_t inheritable;
    std::uint64_t ambient;
};
struct SetUmask {
    std::uint32_t mask;
};
// Fills HOME from the container's /etc/passwd, bounded in time and size; "/" where it says nothing.
struct FindHome {
    Text variable;  // "HOME=/" with room up to `capacity`
    std::uint32_t capacity;
    std::uint32_t uid;
};
// Looks for the program as the user who will run it; the first candidate that is an executable file is
// executed.
struct FindProgram {
    Text name;
    Texts candidates;
};
struct ForbidNewPrivileges {};

// ---- seccomp --------------------------------------------------------------------------------------------

// The page by which the host says that it has the listener.
struct MapHandshake {
    Slot page;
};
// seccomp(2), the last call before execve. With a listener, the stage reports its number before.
struct LoadSeccomp {
    Numbers program;  // struct sock_filter, two numbers each
    std::uint32_t flags;
    std::uint32_t listener;  // 1: there will be one
};
// Waits until the host has delivered the listener, without a system call: the filter may stop any.
struct AwaitDelivery {};

// ---- the list -------------------------------------------------------------------------------------------

using InitVocabulary = Vocabulary<
    MarkDescriptors, ResetSignals, AwaitGo, ReportReady, AwaitStart, CloseDescriptors, ReportExecution,
    Execute, Respawn, JoinNamespace, AssumeIds, UnshareNamespaces, SetTimeOffsets, JoinContainer,
    RaiseLoopback, SetSysctl, SetHostname, SetDomainname, IsolateMounts, ChangeMountsByName, AttachRoot,
    TakeRoot, MountOverlay, CloneSource, MountFilesystem, Remount, AttachTree, MountNotifySocket, MakeDevice,
    MakeLink, MaskPath, ProtectPath, MakeDirectory, HoldDirectory, ComparePlace, OpenTerminal, ReplaceNull,
    ProtectRoot, PivotRoot, ChangeRoot, SetRootPropagation, JoinKeyring, StartSession, ClaimTerminal,
    OpenProcfs, SetLabel, TakeStdio, DieWithHost, SetAffinity, SetScheduler, SetIoPriority, SetMemoryPolicy,
    SetPersonality, SetRlimit, EnterDirectory, OwnStdio, LimitBounding, SetGroups, SetIds, SetCapabilities,
    SetUmask, FindHome, FindProgram, ForbidNewPrivileges, MapHandshake, LoadSeccomp, AwaitDelivery>;

}  // namespace bulkhead::plan
