// SPDX-License-Identifier: Apache-2.0
// The stage's system calls, typed. Freestanding: the structures come from the kernel's own headers, which do
// not mix with libc's, or stand here if only libc has them. A result below zero is -errno.
#pragma once

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/uio.h>

#include <cstddef>
#include <cstdint>

#include "base/raw_call.hpp"

namespace bulkhead::raw {

// ---- structures that only libc's headers have -----------------------------------------------------------

struct MessageHeader {
    void* name;
    std::uint32_t name_size;
    iovec* parts;
    std::size_t part_count;
    void* control;
    std::size_t control_size;
    std::uint32_t flags;
};

struct ControlHeader {
    std::size_t size;
    int level;
    int type;
};

struct SignalAction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
};

inline constexpr std::size_t signal_mask_size = 8;

// ---- descriptors ----------------------------------------------------------------------------------------

inline long close(int fd) { return call(__NR_close, long{fd}); }

// Closes what it holds. The stage's own owner: base/fd.hpp needs libc.
class Handle {
  public:
    explicit Handle(long result) : number_(static_cast<int>(result)) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (number_ >= 0) close(number_);
    }
    int number() const { return number_; }
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }

  private:
    int number_;  // or -errno
};

inline long openat(int directory, const char* path, long flags, unsigned mode = 0) {
    return call(__NR_openat, long{directory}, path, flags | O_CLOEXEC, long{mode});
}

// openat2(2), 5.6. EAGAIN means that a rename or mount raced the walk. The call is tried again, but not for
// ever: a neighbour that renames without end must not hold up a start.
inline long openat2(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve) {
    constexpr int tries = 4096;
    constexpr long eagain = -11;
    const open_how how{.flags = flags | O_CLOEXEC, .mode = 0, .resolve = resolve};
    long result = eagain;
    for (int i = 0; i < tries && result == eagain; ++i)
        result = call(__NR_openat2, long{directory}, path, &how, sizeof how);
    return result;
}

inline long statx(int directory, const char* path, long flags, struct statx* status) {
    return call(__NR_statx, long{directory}, path, flags, long{STATX_BASIC_STATS}, status);
}
inline long statx(int fd, struct statx* status) { return statx(fd, "", AT_EMPTY_PATH, status); }

// The first of struct statfs; libc's header does not mix with the kernel's, so the rest is room.
struct Filesystem {
    long type;
    long block_size;
    unsigned long blocks;  // 0 of a tmpfs: it has no limit
    long rest[30];
};

inline long fstatfs(int fd, Filesystem* filesystem) { return call(__NR_fstatfs, long{fd}, filesystem); }

// f_type, or -errno.
inline long filesystem_type(int fd) {
    Filesystem filesystem{};
    const long known = fstatfs(fd, &filesystem);
    return known < 0 ? known : filesystem.type;
}

// ---- text -----------------------------------------------------------------------------------------------

// True if two strings are equal. The stage has no strcmp(3).
inline bool equal(const char* left, const char* right) {
    while (*left != '\0' && *left == *right) ++left, ++right;
    return *left == *right;
}

// ---- mounts ---------------------------------------------------------------------------------------------

inline long fsconfig(int context, unsigned command, const char* key, const char* value) {
    return call(__NR_fsconfig, long{context}, long{command}, key, value, 0L);
}
inline long clone_tree(int fd, bool recursive) {
    const long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return call(__NR_open_tree, long{fd}, "", flags);
}
// Attaches the mount at the open file or directory `target`: no path is walked.
inline long attach(int tree, int target) {
    return call(__NR_move_mount, long{tree}, "", long{target}, "",
                long{MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH});
}
// MOUNT_ATTR_* to set and to clear, and MS_SHARED and so on (0: as it is).
inline long set_mount_attributes(int fd, bool recursive, std::uint64_t set, std::uint64_t clear = 0,
                                 std::uint64_t propagation = 0) {
    const mount_attr attributes{
        .attr_set = set, .attr_clr = clear, .propagation = propagation, .userns_fd = 0};
    const long flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return call(__NR_mount_setattr, long{fd}, "", flags, &attributes, sizeof attributes);
}

// ---- descriptors over a unix socket ---------------------------------------------------------------------

struct DescriptorMessage {
    ControlHeader header{sizeof(ControlHeader) + sizeof(int), 1, 1};  // SOL_SOCKET, SCM_RIGHTS
    int fd = -1;
    int padding = 0;
};

// Sends `fd` beside `size` bytes, at least one.
inline long send_descriptor(int socket, int fd, void* body, std::size_t size) {
    DescriptorMessage control{.fd = fd};
    iovec part{body, size};
    const MessageHeader message{nullptr, 0, &part, 1, &control, sizeof control, 0};
    constexpr long no_signal = 0x4000;  // MSG_NOSIGNAL
    return call(__NR_sendmsg, long{socket}, &message, no_signal);
}

// The descriptor of a message of one byte; -EAGAIN if no message is there.
inline long receive_descriptor(int socket) {
    char byte = 0;
    DescriptorMessage control;
    iovec part{&byte, sizeof byte};
    MessageHeader message{nullptr, 0, &part, 1, &control, sizeof control, 0};
    constexpr long at_once_and_close_on_exec = 0x40000040;  // MSG_DONTWAIT, MSG_CMSG_CLOEXEC
    const long received = call(__NR_recvmsg, long{socket}, &message, at_once_and_close_on_exec);
    return received < 0 ? received : control.fd;
}

// ---- time -----------------------------------------------------------------------------------------------

inline std::uint64_t monotonic_ns() {
    constexpr long clock_monotonic = 1;
    __kernel_timespec now{};
    call(__NR_clock_gettime, clock_monotonic, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace bulkhead::raw
