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
// Closes every descriptor from `first` on for good; only the report socket, itself close-on-exec, stays.
struct CloseDescriptors {
    std::uint32_t first;
};
// execve(2) of what FindProgram found.
struct Execute {
    Texts arguments;
    Texts environment;
    Pointers argv;
    Pointers envp;
};

// ---- namespaces -----------------------------------------------------------------------------------------

// unshare(2). A cgroup namespace takes the unsharing process's cgroup as its root, so it is made here, where
// the process is already in its final cgroup: kernels differ in what clone3(NEWCGROUP | INTO_CGROUP) takes.
struct UnshareNamespaces {
    std::uint64_t flags;
};
struct RaiseLoopback {};
struct SetHostname {
    Text name;
};
struct SetDomainname {
    Text name;
};

// ---- rootfs ---------------------------------------------------------------------------------------------

// Nothing mounted from here on is seen by the host, and nothing of the host's arrives.
struct IsolateMounts {};
// Attaches the detached tree of the root over "/"; PivotRoot makes it the root.
struct AttachRoot {
    Slot tree;
};
// A new file system: fsopen, fsconfig of each "key=value" or "key", fsmount with `attributes`, and only then,
// when all is set, attached at `target` (made if missing).
struct MountFilesystem {
    Text type;
    Text source;
    Text target;
    Texts options;
    std::uint64_t attributes;         // MOUNT_ATTR_*
    std::uint32_t plain_target_only;  // 1: no part of the target may be a link (proc, sysfs: CVE-2019-19921)
    std::uint32_t inherit_mode;       // 1: take the permissions of the directory below (tmpfs)
};
// Attaches a tree that the host cloned (bind mounts) at `target`, made as a file or directory if missing.
struct AttachTree {
    Slot tree;
    Text target;
};
struct MakeDevice {
    Text path;
    std::uint32_t mode;  // S_IFCHR or S_IFBLK and the permissions
    std::uint32_t major;
    std::uint32_t minor;
    std::uint32_t uid;
    std::uint32_t gid;
};
// A symbolic link in /dev; one that leads to a missing absolute path is not made.
struct MakeLink {
    Text path;
    Text target;
};
// Hides a path: a directory under an empty read-only tmpfs, anything else under the container's null device.
// A missing path is left alone.
struct MaskPath {
    Text path;
};
// Makes a path and what is mounted below it read-only. A missing path is left alone.
struct ProtectPath {
    Text path;
};
struct MakeDirectory {
    Text path;
};
// A pty of the container's own devpts: its master goes to the host, its slave becomes /dev/console, the
// controlling terminal and descriptors 0 to 2.
struct OpenTerminal {
    std::uint32_t uid;
    std::uint16_t rows;
    std::uint16_t columns;
};
struct ProtectRoot {};
struct PivotRoot {
    Slot tree;
};

// ---- process --------------------------------------------------------------------------------------------

// A new anonymous session keyring, so that the caller's keys stay outside.
struct JoinKeyring {};
struct StartSession {};
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

// ---- the list -------------------------------------------------------------------------------------------

template <class... Ops>
struct Vocabulary {
    static constexpr std::size_t size = sizeof...(Ops);

    template <class Op>
    static consteval std::uint16_t index_of() {
        std::uint16_t index = 0;
        (void)((std::is_same_v<Op, Ops> ? true : (++index, false)) || ...);
        return index;
    }
};

using InitVocabulary =
    Vocabulary<MarkDescriptors, ResetSignals, AwaitGo, ReportReady, AwaitStart, CloseDescriptors, Execute,
               UnshareNamespaces, RaiseLoopback, SetHostname, SetDomainname, IsolateMounts, AttachRoot,
               MountFilesystem, AttachTree, MakeDevice, MakeLink, MaskPath, ProtectPath, MakeDirectory,
               OpenTerminal, ProtectRoot, PivotRoot, JoinKeyring, StartSession, SetRlimit, EnterDirectory,
               OwnStdio, LimitBounding, SetGroups, SetIds, SetCapabilities, SetUmask, FindHome, FindProgram,
               ForbidNewPrivileges>;

// One step of the init lane as it travels: which verb, its place in the whole timeline, its bytes.
struct InitStep {
    static constexpr std::size_t capacity = 48;

    std::uint16_t op = 0;
    std::uint16_t number = 0;
    alignas(8) unsigned char payload[capacity] = {};

    template <class Op>
    static InitStep of(const Op& op) {
        static_assert(std::is_trivially_copyable_v<Op>, "only flat steps can travel to the stage");
        static_assert(sizeof(Op) <= capacity);
        InitStep step;
        step.op = InitVocabulary::index_of<Op>();
        __builtin_memcpy(step.payload, &op, sizeof op);
        return step;
    }
};
static_assert(std::is_trivially_copyable_v<InitStep> && sizeof(InitStep) == 56);

// Calls `visitor` with the step's typed struct. A verb without an overload does not compile.
template <class Result, class Visitor, class... Ops>
Result visit_as(const InitStep& step, Visitor&& visitor, Vocabulary<Ops...>) {
    Result result{};
    const auto try_one = [&]<class Op>(const Op*) {
        if (step.op != InitVocabulary::index_of<Op>()) return false;
        Op op;
        __builtin_memcpy(&op, step.payload, sizeof op);
        result = visitor(op);
        return true;
    };
    (void)(try_one(static_cast<const Ops*>(nullptr)) || ...);
    return result;
}

template <class Result, class Visitor>
Result visit(const InitStep& step, Visitor&& visitor) {
    return visit_as<Result>(step, visitor, InitVocabulary{});
}

}  // namespace bulkhead::plan
