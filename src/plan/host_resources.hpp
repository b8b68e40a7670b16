// SPDX-License-Identifier: Apache-2.0
// Host steps that bring something of the host into the container: mounts, namespaces, network devices. Each
// becomes a descriptor in a slot, which the stage finds by its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/undo.hpp"
#include "plan/vocabulary.hpp"

namespace bulkhead::plan {

// The texts of /proc/PID/uid_map and gid_map; those of a mount translate the ids of its files
// (mount_setattr(2), MOUNT_ATTR_IDMAP).
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
// open_tree(CLONE) of the root or a bind source, with propagation and attributes set.
struct CloneTree {
    static constexpr Undo undo = no_effect();
    std::string path;
    Slot slot;
    bool recursive = false;
    MountAttributes attributes{};
    std::vector<std::uint32_t> propagation;  // MS_SHARED and so on, MS_REC; in order
    std::optional<IdMaps> id_maps;
    std::optional<DeviceIdentity> device;
    using Fills = Members<&CloneTree::slot>;
};
// Opens the root of a container without a mount namespace: the directory, or a private bind of it over itself
// in the runtime's own namespace, whose mount id is in state.json before the bind is attached.
struct OpenRoot {
    static constexpr Undo undo = undone("lazy unmount of that one");
    std::string path;
    Slot slot;
    bool bound = false;
    using Fills = Members<&OpenRoot::slot>;
};
// delete: lazy unmount of the mount of OpenRoot, known by its id, and all below it; a mount that covers it is
// an error.
struct DetachRoot {
    static constexpr Undo undo = irreversible("another delete goes on where this one stopped");
};
// Opens a namespace to join, after a check that it has the right type and, where joining would change the
// host, is not the runtime's own.
struct OpenNamespace {
    static constexpr Undo undo = no_effect();
    std::string path;
    std::uint64_t type;  // CLONE_NEW*
    Slot slot;
    std::string refused_as_own;  // why it must not be the runtime's own; empty: it may
    using Fills = Members<&OpenNamespace::slot>;
};
// A new mqueue file system of the ipc namespace in `ipc` (none: the runtime's own), which the container's
// user namespace does not own.
struct OpenMessageQueues {
    static constexpr Undo undo = no_effect();
    std::optional<Slot> ipc;
    MountAttributes attributes{};
    Slot slot;
    using Fills = Members<&OpenMessageQueues::slot>;
};
// A network device by rtnetlink: down, into the namespace and renamed in one message, up, its permanent
// addresses again.
struct MoveNetDevice {
    static constexpr Undo undo = undone("back under its old name, with its addresses");
    std::string host_name;
    std::string name;          // there
    std::optional<Slot> file;  // the namespace, if joined; none: that of the new process
};

}  // namespace bulkhead::plan
