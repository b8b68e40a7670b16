// SPDX-License-Identifier: Apache-2.0
// Init steps on mounts and the root. Freestanding.
#pragma once

#include <cstdint>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// Makes all mounts private, recursively: the host sees nothing of what is mounted later, and nothing of the
// host's arrives.
struct IsolateMounts {};
// Opens the stage's own directory in the procfs of OpenProcfs, if the kernel is older than 5.14, where
// mount_setattr(2) is missing or does not know every attribute. mount(2) takes a path: a mount is named by
// its descriptor in that directory, and is changed when it is attached.
struct OpenSelf {};
// move_mount of the root's clone over "/"; or, if hooks look for it there, over its own path, if that is
// still the directory that was cloned.
struct AttachRoot {
    Slot tree;
    Text place{};           // a directory of the host, where hooks expect it; empty: over "/"
    Numbers propagation{};  // what the tree has not got yet: MS_SHARED and so on, MS_REC; in order
    using Reads = Members<&AttachRoot::tree>;
};
// Makes what OpenRoot or FindInit opened the root that later steps work in.
struct TakeRoot {
    Slot root;
    using Reads = Members<&TakeRoot::root>;
};
// Mounts an overlay over "/": layers and, unless it is read-only, an upper directory, all below directories
// that the administrator allows. A throw-away upper is on a tmpfs that no path leads to. Every path is a
// pair: an allowed directory, and what must resolve beneath it.
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
    using Fills = Members<&CloneSource::slot>;
};
// fsopen, fsconfig for each "key=value" or "key", fsmount; with tmpcopyup a copy of the directory below;
// then move_mount to the open target, which is made if missing.
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
    using Reads = Members<&MountFilesystem::target>;
    using Fills = Members<&MountFilesystem::anchor>;
};
// Changes an existing mount: fspick and fsconfig for its file system, mount_setattr for the mount.
struct Remount {
    Path target;
    Texts options;
    Numbers propagation;  // MS_SHARED and so on, MS_REC; in order
    MountAttributes attributes;
    using Reads = Members<&Remount::target>;
};
// Changes an existing mount and not its file system (remount,bind).
struct RemountBind {
    Path target;
    Numbers propagation;  // MS_SHARED and so on, MS_REC; in order
    MountAttributes attributes;
    using Reads = Members<&RemountBind::target>;
};
// move_mount of a bind source's clone to the open target, which is made as a file or directory if missing.
struct AttachTree {
    Slot tree;
    Path target;
    MountAttributes attributes{};  // what the tree has not got yet
    Numbers propagation{};         // likewise: MS_SHARED and so on, MS_REC; in order
    Anchor anchor{};
    using Reads = Members<&AttachTree::tree, &AttachTree::target>;
    using Fills = Members<&AttachTree::anchor>;
};
// Attaches a tmpfs of its own at the target, binds the host's socket in it as notify.sock, and makes it
// read-only. Its size bounds what a container can fill that makes it writable again.
struct MountNotifySocket {
    Slot socket;
    Path target;
    Texts options;
    Anchor anchor{};
    using Reads = Members<&MountNotifySocket::socket, &MountNotifySocket::target>;
    using Fills = Members<&MountNotifySocket::anchor>;
};
// mknod below the root or beneath a mount.
struct MakeDevice {
    Path path;
    std::uint32_t mode;  // S_IFCHR or S_IFBLK and the permissions
    std::uint32_t major;
    std::uint32_t minor;
    std::uint32_t uid;
    std::uint32_t gid;
    using Reads = Members<&MakeDevice::path>;
};
// symlink in /dev; one that would lead to a missing absolute path is not made.
struct MakeLink {
    Path path;
    Text target;
    Path source{};  // the same, if it is absolute
    using Reads = Members<&MakeLink::path, &MakeLink::source>;
};
// Covers a path: a directory with an empty read-only tmpfs, anything else with the container's null device.
// A missing path is left alone.
struct MaskPath {
    Path path;
    Path null;  // the container's null device
    Anchor anchor{};
    using Reads = Members<&MaskPath::path, &MaskPath::null>;
    using Fills = Members<&MaskPath::anchor>;
};
// Covers a path with a read-only clone of itself and of what is mounted below. A missing path is left alone.
struct ProtectPath {
    Path path;
    Anchor anchor{};
    using Reads = Members<&ProtectPath::path>;
    using Fills = Members<&ProtectPath::anchor>;
};
// mkdir if the directory is missing; with an anchor it stays open, for several steps below it.
struct MakeDirectory {
    Path path;
    Anchor anchor{};
    using Reads = Members<&MakeDirectory::path>;
    using Fills = Members<&MakeDirectory::anchor>;
};
// Finds a directory once, for several steps below it that must mean the same one. One that is missing stays
// missing.
struct HoldDirectory {
    Path path;
    Anchor anchor;
    using Reads = Members<&HoldDirectory::path>;
    using Fills = Members<&HoldDirectory::anchor>;
};
// Checks that the names of a path lead to the very mount that was attached there, or to one of ours that
// covers it, and that what was missing is missing; otherwise nothing runs. A neighbour that shares the root
// may have moved the names.
struct ComparePlace {
    Path path;
    Anchor anchor;
    using Reads = Members<&ComparePlace::path, &ComparePlace::anchor>;
};
// Opens a pty of the container's own devpts: the master goes to the host, the slave becomes descriptors 0 to
// 2.
struct OpenTerminal {
    std::uint32_t uid;
    std::uint16_t rows;
    std::uint16_t columns;
    Path terminals;  // the devpts
    using Reads = Members<&OpenTerminal::terminals>;
};
// Binds the terminal on descriptor 0 over /dev/console.
struct MountConsole {
    Path place;
    Anchor anchor;
    using Reads = Members<&MountConsole::place>;
    using Fills = Members<&MountConsole::anchor>;
};
// Replaces the caller's null device on descriptors 0 to 2 by the container's: a holder of the host's can
// change its mode for the whole machine.
struct ReplaceNull {
    Path null;
    using Reads = Members<&ReplaceNull::null>;
};
// Makes the root's mount read-only.
struct ProtectRoot {};
// pivot_root, then detaches the host's root.
struct PivotRoot {};
// --no-pivot: unmounts every procfs and sysfs of the host, or covers one that cannot go, because the old
// root stays below the new one.
struct HideKernelMounts {
    Texts places;  // their mount points on the host, the last first
};
// --no-pivot: attaches the root over "/", where exec looks for it, if hooks had it elsewhere.
struct MoveRoot {};
// chroot.
struct ChangeRoot {};
// Sets the propagation of "/", when it is the container's (linux.rootfsPropagation).
struct SetRootPropagation {
    std::uint32_t flags;  // MS_SHARED and so on, MS_REC
};

}  // namespace bulkhead::plan
