// SPDX-License-Identifier: Apache-2.0
// Makes mounts for the stage: detached, so that nobody can reach them before all their attributes are set.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/sys.hpp"
#include "namespaces/user_namespace.hpp"
#include "namespaces/visit.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

namespace {

// The mount's own attributes first, then those of its tree, which win.
Result<> set_attributes(int tree, const plan::MountAttributes& attributes) {
    if ((attributes.set | attributes.clear) != 0)
        TRY(sys::set_mount_attributes(tree, false, attributes.set, attributes.clear, 0));
    if ((attributes.set_tree | attributes.clear_tree) != 0)
        TRY(sys::set_mount_attributes(tree, true, attributes.set_tree, attributes.clear_tree, 0));
    return {};
}

// Checks the descriptor that is cloned, so the container gets the checked node or none.
Result<> check_device(int node, const plan::DeviceIdentity& wanted, const std::string& path) {
    LET(const struct stat status, sys::status_of(node));
    const bool same = (status.st_mode & S_IFMT) == wanted.kind && major(status.st_rdev) == wanted.major &&
                      minor(status.st_rdev) == wanted.minor;
    if (same) return {};
    return fail(Kind::invalid_config, quoted(path), ": is not the device ",
                S_ISBLK(wanted.kind) ? "b " : "c ", wanted.major, ':', wanted.minor);
}

}  // namespace

Result<> apply(const plan::CloneTree& op, HostResources& host) {
    LET(const Fd source, sys::open(op.path, O_PATH));
    if (op.device) TRY(check_device(source.number(), *op.device, op.path));
    LET(Fd tree, sys::clone_tree(source.number(), "", op.recursive));
    for (const std::uint32_t flags : op.propagation)
        TRY(sys::set_mount_attributes(tree.number(), (flags & MS_REC) != 0, 0, 0,
                                      flags & ~std::uint32_t{MS_REC}));
    if (op.id_maps) TRY(namespaces::map_ids(tree.number(), *op.id_maps, host.id_maps));
    TRY(set_attributes(tree.number(), op.attributes));
    host.slots[op.slot.index] = std::move(tree);
    return {};
}

// The file system is that of the ipc namespace in which it is asked for.
Result<> apply(const plan::OpenMessageQueues& op, HostResources& host) {
    std::vector<namespaces::Destination> places;
    if (op.ipc) places.push_back({host.slots[op.ipc->index].number(), CLONE_NEWIPC});
    LET(namespaces::Visit visit, namespaces::Visit::enter(places));
    auto mount = sys::new_filesystem("mqueue");
    TRY(visit.leave());
    if (!mount) return std::unexpected(std::move(mount).error());
    TRY(set_attributes(mount->number(), op.attributes));
    host.slots[op.slot.index] = std::move(*mount);
    return {};
}

}  // namespace bulkhead::runtime
