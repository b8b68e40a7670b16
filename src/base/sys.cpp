// SPDX-License-Identifier: Apache-2.0
#include "base/sys.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/kernel.hpp"

namespace bulkhead::sys {

namespace {

// Runs `call` until it is not interrupted; -1 leaves errno as the call set it.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

template <class Call>
Result<> done(std::string_view name, std::string_view argument, Call call) {
    if (uninterrupted(call) == -1) return system_error(errno, name, argument);
    return {};
}

}  // namespace

Result<Fd> open_at(int directory, const std::string& path, int flags, mode_t mode) {
    const int fd = uninterrupted([&] { return ::openat(directory, path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd == -1) return system_error(errno, "open", path);
    return Fd(fd);
}

Result<> make_directory_at(int directory, const std::string& path, mode_t mode) {
    return done("mkdir", path, [&] { return ::mkdirat(directory, path.c_str(), mode); });
}

Result<> change_mode_at(int directory, const std::string& path, mode_t mode) {
    return done("chmod", path, [&] { return ::fchmodat(directory, path.c_str(), mode, 0); });
}

Result<> make_fifo_at(int directory, const std::string& path, mode_t mode) {
    return done("mkfifo", path, [&] { return ::mkfifoat(directory, path.c_str(), mode); });
}

Result<> remove_at(int directory, const std::string& path, int flags) {
    return done("unlink", path, [&] { return ::unlinkat(directory, path.c_str(), flags); });
}

Result<> rename_at(int from_directory, const std::string& from, int to_directory, const std::string& to) {
    return done("rename", to,
                [&] { return ::renameat(from_directory, from.c_str(), to_directory, to.c_str()); });
}

Result<> change_owner_at(int directory, const std::string& path, uid_t owner) {
    return done("chown", path, [&] {
        constexpr auto unchanged = static_cast<gid_t>(-1);
        return ::fchownat(directory, path.c_str(), owner, unchanged, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    });
}

Result<struct stat> status_at(int directory, const std::string& path, int flags) {
    struct stat status {};
    TRY(done("stat", path, [&] { return ::fstatat(directory, path.c_str(), &status, flags); }));
    return status;
}

Result<struct stat> status_of(int fd) {
    struct stat status {};
    TRY(done("fstat", {}, [&] { return ::fstat(fd, &status); }));
    return status;
}

Result<> change_directory(int directory) {
    return done("fchdir", {}, [&] { return ::fchdir(directory); });
}

Result<> change_root(int directory) {
    TRY(change_directory(directory));
    return done("chroot", {}, [&] { return ::chroot("."); });
}

Result<bool> try_lock(int fd, int operation) {
    if (uninterrupted([&] { return ::flock(fd, operation | LOCK_NB); }) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return system_error(errno, "flock");
}

Result<> unlock(int fd) {
    return done("flock", {}, [&] { return ::flock(fd, LOCK_UN); });
}

Result<std::size_t> read(int fd, std::span<char> buffer) {
    const ssize_t count = uninterrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count == -1) return system_error(errno, "read");
    return static_cast<std::size_t>(count);
}

Result<std::size_t> write(int fd, std::string_view bytes) {
    const ssize_t count = uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (count == -1) return system_error(errno, "write");
    return static_cast<std::size_t>(count);
}

Result<> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        LET(const std::size_t count, write(fd, bytes));
        bytes.remove_prefix(count);
    }
    return {};
}

Result<> write_at(int fd, std::string_view bytes, off_t offset) {
    return done("pwrite", {}, [&] { return ::pwrite(fd, bytes.data(), bytes.size(), offset); });
}

Result<std::string> link_target(const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size == -1) return system_error(errno, "readlink", path);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

Result<Pipe> pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) == -1) return system_error(errno, "pipe2");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<long> filesystem_type(int fd) {
    struct statfs status {};
    TRY(done("fstatfs", {}, [&] { return ::fstatfs(fd, &status); }));
    return static_cast<long>(status.f_type);
}

Result<Fd> memory_file(const char* name, bool executable) {
    constexpr unsigned always = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    const unsigned kind = executable ? kernel::mfd_exec : kernel::mfd_noexec_seal;
    int fd = ::memfd_create(name, always | kind);
    if (fd == -1 && errno == EINVAL) fd = ::memfd_create(name, always);  // before 6.3
    if (fd == -1) return system_error(errno, "memfd_create", name);
    return Fd(fd);
}

Result<> seal(int fd, int seals) {
    return done("fcntl(F_ADD_SEALS)", {}, [&] { return ::fcntl(fd, F_ADD_SEALS, seals); });
}

Result<pid_t> clone_process(clone_args& arguments) {
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == -1) return system_error(errno, "clone3");
    return static_cast<pid_t>(pid);
}

Result<Fd> open_process(pid_t pid) {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0);
    if (fd == -1) return system_error(errno, "pidfd_open", cat(pid));
    return Fd(static_cast<int>(fd));
}

Result<> signal_process(int pidfd, int signal) {
    return done("pidfd_send_signal", cat(signal),
                [&] { return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0); });
}

Result<> signal_group(pid_t leader, int signal) {
    return done("kill", cat('-', leader), [&] { return ::kill(-leader, signal); });
}

bool is_child(int pidfd) {
    siginfo_t info{};
    return ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

Result<std::vector<std::uint32_t>> cpu_affinity() {
    constexpr std::size_t words = 8192 / 32;  // the most CPUs that a kernel can be built for
    std::vector<std::uint32_t> mask(words);
    const long size = ::syscall(SYS_sched_getaffinity, 0, mask.size() * sizeof mask[0], mask.data());
    if (size == -1) return system_error(errno, "sched_getaffinity");
    mask.resize(static_cast<std::size_t>(size) / sizeof mask[0]);
    return mask;
}

Result<> set_cpu_affinity(std::span<const std::uint32_t> mask) {
    return done("sched_setaffinity", {},
                [&] { return ::syscall(SYS_sched_setaffinity, 0, mask.size_bytes(), mask.data()); });
}

Capabilities capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    if (::syscall(SYS_capget, &header, sets) == -1) return {};
    const auto both = [](std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; };
    return {both(sets[0].effective, sets[1].effective), both(sets[0].permitted, sets[1].permitted)};
}

Result<> join_namespace(int fd, std::uint64_t type) {
    return done("setns", {}, [&] { return ::setns(fd, static_cast<int>(type)); });
}

Result<std::uint64_t> namespace_type(int fd) {
    const int type = uninterrupted([&] { return ::ioctl(fd, NS_GET_NSTYPE); });
    if (type == -1) return system_error(errno, "ioctl(NS_GET_NSTYPE)");
    return static_cast<std::uint64_t>(static_cast<unsigned>(type));
}

Result<Fd> duplicate(int fd) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return system_error(errno, "fcntl(F_DUPFD_CLOEXEC)");
    return copy;
}

Result<Fd> take_descriptor(int pidfd, int number) {
    const long fd = ::syscall(SYS_pidfd_getfd, pidfd, number, 0);
    if (fd == -1) return system_error(errno, "pidfd_getfd", cat(number));
    return Fd(static_cast<int>(fd));
}

Result<Fd> new_filesystem(const std::string& type) {
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
    if (!context) return system_error(errno, "fsopen", type);
    TRY(done("fsconfig(FSCONFIG_SET_STRING)", type, [&] {
        return ::syscall(SYS_fsconfig, context.number(), FSCONFIG_SET_STRING, "source", type.c_str(), 0);
    }));
    TRY(done("fsconfig(FSCONFIG_CMD_CREATE)", type, [&] {
        return ::syscall(SYS_fsconfig, context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
    }));
    Fd mount(static_cast<int>(::syscall(SYS_fsmount, context.number(), FSMOUNT_CLOEXEC, 0)));
    if (!mount) return system_error(errno, "fsmount", type);
    return mount;
}

Result<Fd> clone_tree(int fd, const std::string& path, bool recursive) {
    const unsigned flags =
        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
    const long tree = ::syscall(SYS_open_tree, fd, path.c_str(), flags);
    if (tree == -1) return system_error(errno, "open_tree", path);
    return Fd(static_cast<int>(tree));
}

Result<> set_mount_attributes(int fd, bool recursive, std::uint64_t set, std::uint64_t clear,
                              std::uint64_t propagation) {
    mount_attr attributes{.attr_set = set, .attr_clr = clear, .propagation = propagation, .userns_fd = 0};
    const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
    return done("mount_setattr", {},
                [&] { return ::syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes); });
}

Result<> map_mount_ids(int fd, bool recursive, int user_namespace) {
    mount_attr attributes{.attr_set = MOUNT_ATTR_IDMAP,
                          .attr_clr = 0,
                          .propagation = 0,
                          .userns_fd = static_cast<std::uint64_t>(user_namespace)};
    const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
    return done("mount_setattr(MOUNT_ATTR_IDMAP)", {},
                [&] { return ::syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes); });
}

Result<MountIdentity> mount_identity(int fd) {
    constexpr unsigned unique_id = 0x4000;  // STATX_MNT_ID_UNIQUE
    const auto ask = [&](unsigned mask) -> Result<std::uint64_t> {
        struct statx status {};
        TRY(done("statx", {}, [&] { return ::statx(fd, "", AT_EMPTY_PATH, mask, &status); }));
        return (status.stx_mask & mask) == mask ? status.stx_mnt_id : std::uint64_t{0};
    };
    MountIdentity found;
    LET(found.number, ask(STATX_MNT_ID));
    LET(found.unique, ask(unique_id));
    return found;
}

Result<> attach_tree(int tree, int target) {
    constexpr unsigned by_descriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return done("move_mount", {},
                [&] { return ::syscall(SYS_move_mount, tree, "", target, "", by_descriptors); });
}

Result<> detach_mount(int fd) {
    const std::string path = cat("/proc/self/fd/", fd);
    return done("umount2", path, [&] { return ::umount2(path.c_str(), MNT_DETACH); });
}

std::uint64_t monotonic_ns() {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace bulkhead::sys
