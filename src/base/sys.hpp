// SPDX-License-Identifier: Apache-2.0
// One wrapper per system call of the host side: EINTR is retried here and nowhere else, every descriptor is
// born close-on-exec, and a failure carries the call and its argument. Those that wait for somebody are in
// base/waiting.hpp. What runs in the container uses base/raw.hpp.
#pragma once

#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::sys {

inline constexpr int here = -100;  // AT_FDCWD

// open(2) relative to `directory`, O_CLOEXEC added.
Result<Fd> open_at(int directory, const std::string& path, int flags, mode_t mode = 0);
inline Result<Fd> open(const std::string& path, int flags, mode_t mode = 0) {
    return open_at(here, path, flags, mode);
}

Result<> make_directory_at(int directory, const std::string& path, mode_t mode);
// fchmodat(2), which follows a link: only for files that we have made ourselves.
Result<> change_mode_at(int directory, const std::string& path, mode_t mode);
Result<> make_fifo_at(int directory, const std::string& path, mode_t mode);
// flags: 0 or AT_REMOVEDIR
Result<> remove_at(int directory, const std::string& path, int flags = 0);
Result<> rename_at(int from_directory, const std::string& from, int to_directory, const std::string& to);
// fchownat(2) of the user alone; a link is not followed, and "" is `directory` itself.
Result<> change_owner_at(int directory, const std::string& path, uid_t owner);
Result<struct stat> status_at(int directory, const std::string& path, int flags = 0);
Result<struct stat> status_of(int fd);
Result<> change_directory(int directory);
// fchdir(2) and chroot(2) into it.
Result<> change_root(int directory);

// Takes the lock without waiting; false if another process holds it. operation: LOCK_EX or LOCK_SH
Result<bool> try_lock(int fd, int operation);
Result<> unlock(int fd);

Result<std::size_t> read(int fd, std::span<char> buffer);
Result<std::size_t> write(int fd, std::string_view bytes);
Result<> write_all(int fd, std::string_view bytes);
Result<> write_at(int fd, std::string_view bytes, off_t offset);
Result<std::string> link_target(const std::string& path);  // readlink(2)
struct Pipe {
    Fd reader;
    Fd writer;
};
Result<Pipe> pipe();

// f_type of statfs(2)
Result<long> filesystem_type(int fd);

// memfd_create(2), allowing seals; executable as `executable` says on kernels (6.3) that tell the difference.
Result<Fd> memory_file(const char* name, bool executable);
// Another number of the same open file, close-on-exec.
Result<Fd> duplicate(int fd);
// F_ADD_SEALS
Result<> seal(int fd, int seals);

// clone3(2): 0 in the child, its pid in the parent. `pidfd` and `cgroup` of `arguments` are the caller's.
Result<pid_t> clone_process(clone_args& arguments);
Result<Fd> open_process(pid_t pid);  // pidfd_open(2)
Result<> signal_process(int pidfd, int signal);
// kill(2) to every process of the group that `leader` leads, which must not be reaped yet.
Result<> signal_group(pid_t leader, int signal);

// A child of this process, ended or not, and not reaped yet.
bool is_child(int pidfd);

// The CPUs that this process may run on, one bit each (sched_setaffinity(2)); whole longs.
Result<std::vector<std::uint32_t>> cpu_affinity();
Result<> set_cpu_affinity(std::span<const std::uint32_t> mask);

// Of this process, a bit each (capget(2)).
struct Capabilities {
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
};
Capabilities capabilities();

// setns(2); `type` is one CLONE_NEW*.
Result<> join_namespace(int fd, std::uint64_t type);
// CLONE_NEW* of an open file of nsfs: ioctl NS_GET_NSTYPE.
Result<std::uint64_t> namespace_type(int fd);

// pidfd_getfd(2), 5.6: a copy of another process's descriptor.
Result<Fd> take_descriptor(int pidfd, int number);

// fsopen(2), fsconfig(2) and fsmount(2): a new file system of this type without options, mounted nowhere.
Result<Fd> new_filesystem(const std::string& type);
// open_tree(OPEN_TREE_CLONE) of an open file or directory, detached.
Result<Fd> clone_tree(int fd, const std::string& path, bool recursive);
// mount_setattr(2) on the mount itself (AT_EMPTY_PATH), 5.12.
Result<> set_mount_attributes(int fd, bool recursive, std::uint64_t set, std::uint64_t clear,
                              std::uint64_t propagation);
// MOUNT_ATTR_IDMAP with the id maps of a user namespace; the mount must be detached.
Result<> map_mount_ids(int fd, bool recursive, int user_namespace);

// Identifies a mount, attached or not (statx(2)). `unique` is never given twice (6.8; 0 before); `number` is
// that of mountinfo, and another mount may get it once this one is gone.
struct MountIdentity {
    std::uint64_t number = 0;
    std::uint64_t unique = 0;
    bool operator==(const MountIdentity&) const = default;
};
Result<MountIdentity> mount_identity(int fd);
// move_mount(2) of a detached tree to an open directory.
Result<> attach_tree(int tree, int target);
// umount2(2) with MNT_DETACH of the mount whose root is open in `fd`, whatever is mounted over it.
Result<> detach_mount(int fd);

// Seconds and nanoseconds of CLOCK_MONOTONIC as one number.
std::uint64_t monotonic_ns();

}  // namespace bulkhead::sys
