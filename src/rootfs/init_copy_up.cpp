// SPDX-License-Identifier: Apache-2.0
// tmpcopyup: copies a directory of the image into the tmpfs that will cover it. Each file is opened by one
// name below an open directory and never through a link, because a neighbour may share the directory, and
// nothing is opened that could block or be a device.
#include <asm/errno.h>

#include "rootfs/copy_up_limits.hpp"
#include "rootfs/init_ops.hpp"
#include "rootfs/mount_words.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;

namespace {

constexpr std::size_t link_limit = 4096;  // PATH_MAX
constexpr unsigned kept_bits = 01777;     // no set-id

// struct linux_dirent64, of which no header of the kernel's has a usable copy
struct Entry {
    std::uint64_t inode;
    std::int64_t next;  // where the directory goes on after this entry
    std::uint16_t size;
    std::uint8_t kind;
    char name[];
};

bool is_dot(const char* name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// If the user namespace does not have the owner, the container's root owns the copy.
Outcome own(int directory, const char* name, const struct statx& like, long flags) {
    const long owned = raw::call(__NR_fchownat, long{directory}, name, long{like.stx_uid}, long{like.stx_gid},
                                 flags | AT_SYMLINK_NOFOLLOW);
    return outcome(owned == -EINVAL ? 0 : owned, plan::Call::fchown);
}

// Owner first: chown takes set-id bits away, and may take the permission to change the mode.
Outcome own_and_permit(int file, const struct statx& like) {
    if (const Outcome owned = own(file, "", like, AT_EMPTY_PATH); !owned) return owned;
    return outcome(raw::call(__NR_fchmod, long{file}, long{like.stx_mode & kept_bits}), plan::Call::fchown);
}

Outcome copy_link(int from, int to, const char* name, const struct statx& status) {
    char target[link_limit];
    const long size = raw::call(__NR_readlinkat, long{from}, name, target, sizeof target - 1);
    ATTEMPT(size, readlinkat);
    target[size] = '\0';
    ATTEMPT(raw::call(__NR_symlinkat, target, long{to}, name), symlinkat);
    return own(to, name, status, 0);
}

// The bytes that may still be copied.
class Allowance {
  public:
    explicit Allowance(std::uint64_t bytes) : left_(bytes) {}
    std::uint64_t left() const { return left_; }

    Outcome take(std::uint64_t bytes) {
        if (bytes > left_) return {EFBIG, plan::Call::check};
        left_ -= bytes;
        return {};
    }

  private:
    std::uint64_t left_;
};

// A neighbour may make the file longer while it is read: the copied bytes count. It asks for one byte more
// than is allowed, to see the end of a file that just fits.
Outcome copy_bytes(int from, int to, Allowance& allowance) {
    constexpr std::uint64_t chunk = 1 << 30;
    std::uint64_t whole = 0;
    for (;;) {
        const std::uint64_t room = allowance.left() - whole;
        const std::uint64_t most = room < chunk ? room + 1 : chunk;
        const long copied = raw::call(__NR_sendfile, long{to}, long{from}, 0L, static_cast<long>(most));
        ATTEMPT(copied, sendfile);
        if (copied == 0) break;
        whole += static_cast<std::uint64_t>(copied);
        if (whole > allowance.left()) return {EFBIG, plan::Call::check};
    }
    const std::uint64_t pages = (whole + copy_page - 1) / copy_page * copy_page;
    return allowance.take(pages < allowance.left() ? pages : allowance.left());
}

Outcome copy_file(int from, int to, const char* name, Allowance& allowance) {
    const raw::Handle source(raw::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    ATTEMPT(source.number(), openat);
    struct statx status {};
    ATTEMPT(raw::statx(source.number(), &status), fstat);
    if ((status.stx_mode & kind_bits) != regular_kind) return {};  // exchanged since the check
    if (status.stx_size > allowance.left())
        return {EFBIG, plan::Call::check};  // before a byte of it takes memory
    const raw::Handle copy(raw::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    ATTEMPT(copy.number(), openat);
    if (const Outcome copied = copy_bytes(source.number(), copy.number(), allowance); !copied) return copied;
    return own_and_permit(copy.number(), status);
}

// Walks a tree with the two directories of each level and one buffer: when a directory is done, its parent is
// read again from the entry after it.
class Copier {
  public:
    explicit Copier(std::uint64_t limit) : allowance_(limit) {}
    Copier(const Copier&) = delete;
    Copier& operator=(const Copier&) = delete;
    ~Copier() {
        while (depth_ > 0) leave();
    }

    Outcome run(int from, int to) {
        if (const Outcome entered = enter(from, ".", to, "."); !entered) return entered;
        while (depth_ > 0)
            if (const Outcome done = read_on(); !done) return done;
        return {};
    }

  private:
    struct Level {
        int from, to;
    };

    Outcome enter(int from, const char* source, int to, const char* copy) {
        if (depth_ == copy_depth_limit) return {EOVERFLOW, plan::Call::check};
        constexpr long flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
        raw::Handle below(raw::openat(from, source, flags));
        ATTEMPT(below.number(), openat);
        raw::Handle above(raw::openat(to, copy, flags));
        ATTEMPT(above.number(), openat);
        levels_[depth_++] = {below.release(), above.release()};
        return {};
    }

    void leave() {
        --depth_;
        raw::close(levels_[depth_].from);
        raw::close(levels_[depth_].to);
    }

    // The next entries of the innermost directory, up to the first directory among them.
    Outcome read_on() {
        const Level level = levels_[depth_ - 1];
        const long size = raw::call(__NR_getdents64, long{level.from}, buffer_, sizeof buffer_);
        ATTEMPT(size, getdents64);
        if (size == 0) leave();
        for (long at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const Entry*>(buffer_ + at);
            at += entry->size;
            if (is_dot(entry->name)) continue;
            if (++entries_ > copy_entry_limit) return {EOVERFLOW, plan::Call::check};
            if (const Outcome taken = allowance_.take(copy_page); !taken) return taken;
            const unsigned before = depth_;
            if (const Outcome copied = copy(level, entry->name); !copied) return copied;
            if (depth_ == before) continue;
            return outcome(raw::call(__NR_lseek, long{level.from}, long{entry->next}, 0L),
                           plan::Call::getdents64);
        }
        return {};
    }

    Outcome copy(Level level, const char* name) {
        struct statx status {};
        const long found = raw::statx(level.from, name, AT_SYMLINK_NOFOLLOW, &status);
        if (found == -ENOENT) return {};  // removed meanwhile
        ATTEMPT(found, fstat);
        const bool mounted = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
        switch (status.stx_mode & kind_bits) {
            case directory_kind: return copy_directory(level, name, status, !mounted);
            case regular_kind: return mounted ? Outcome{} : copy_file(level.from, level.to, name, allowance_);
            case link_kind: return copy_link(level.from, level.to, name, status);
            default: return {};
        }
    }

    Outcome copy_directory(Level level, const char* name, const struct statx& status, bool with_content) {
        ATTEMPT(raw::call(__NR_mkdirat, long{level.to}, name, 0700L), mkdirat);
        const raw::Handle made(raw::openat(level.to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        ATTEMPT(made.number(), openat);
        if (const Outcome owned = own_and_permit(made.number(), status); !owned) return owned;
        return with_content ? enter(level.from, name, level.to, name) : Outcome{};
    }

    Level levels_[copy_depth_limit] = {};
    unsigned depth_ = 0;
    std::uint32_t entries_ = 0;
    Allowance allowance_;
    alignas(8) char buffer_[4096];
};

}  // namespace

Outcome copy_up(int from, int to, std::uint64_t limit) {
    Copier copier(limit);
    return copier.run(from, to);
}

}  // namespace bulkhead::rootfs
