// SPDX-License-Identifier: Apache-2.0
// The root of a container without a mount namespace. Its mounts are mounts of the host. All of them are below
// one mount that the record names: removing that one removes all.
#include <fcntl.h>
#include <sys/mount.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "runtime/steps/host_steps.hpp"
#include "runtime/steps/mount_table.hpp"

namespace bulkhead::runtime {

namespace {

Result<> make_private(int mount) { return sys::set_mount_attributes(mount, true, 0, 0, MS_PRIVATE); }

// If the mount below is shared, the kernel makes ours shared when it attaches it, and sends copies to the
// peers. After this call, new mounts in it stay with us; removing it removes the copies.
Result<> attach(int tree, int directory) {
    TRY(sys::attach_tree(tree, directory));
    return make_private(tree);
}

// The mount that the record names. One that is mounted over hides it: no path leads to it any more.
Result<> detach(const State& state) {
    auto top = sys::open(state.rootfs, O_PATH | O_DIRECTORY);
    if (!top && top.error().kind == Kind::not_found) return {};
    if (!top) return std::unexpected(std::move(top).error());
    LET(const sys::MountIdentity found, sys::mount_identity(top->number()));
    if (found == state.root_mount) return sys::detach_mount(top->number());
    LET(const std::string mountinfo, read_kernel_file(sys::here, "/proc/self/mountinfo"));
    LET(const bool hidden, has_mount(mountinfo, state.root_mount.number, state.rootfs));
    if (!hidden) return {};  // it was never attached, or somebody has removed it
    return fail(Kind::bad_state, "the container's root ", quoted(state.rootfs),
                " is covered by another mount, which has to go first");
}

}  // namespace

Result<> apply(const plan::OpenRoot& op, ContainerRecord& record, HostResources& host) {
    Fd& slot = host.slots[op.slot.index];
    LET(slot, sys::open(op.path, O_PATH | O_DIRECTORY));
    if (!op.bound) return {};
    LET(Fd tree, sys::clone_tree(slot.number(), "", true));
    TRY(make_private(tree.number()));
    LET(record.state.root_mount, sys::mount_identity(tree.number()));
    TRY(save(record.directory.number(), record.state));
    auto attached = attach(tree.number(), slot.number());
    if (!attached) undo(op, record);
    slot = std::move(tree);
    return attached;
}

void undo(const plan::OpenRoot&, const ContainerRecord& record) {
    if (record.state.root_mount.number != 0) (void)detach(record.state);
}

Result<> apply(const plan::DetachRoot&, const ContainerRecord& record) { return detach(record.state); }

}  // namespace bulkhead::runtime
