// SPDX-License-Identifier: Apache-2.0
#include "base/resolve.hpp"

#include <asm/errno.h>
#include <linux/magic.h>

namespace bulkhead::raw {

namespace {

constexpr std::size_t path_limit = 4096;  // PATH_MAX
constexpr unsigned link_limit = 40;       // the kernel's MAXSYMLINKS
constexpr unsigned kind_bits = 0170000, directory_kind = 0040000, link_kind = 0120000;
constexpr unsigned sticky_for_all = 01002;

std::size_t length_of(const char* text) {
    std::size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

bool has_kind(const struct statx& status, unsigned kind) { return (status.stx_mode & kind_bits) == kind; }

// struct statfs, as far as it is the same everywhere
struct FileSystem {
    long type, block_size;
    std::uint64_t blocks, free, available, files, free_files;
    int id[2];
    long name_length, fragment_size, flags;
    long spare[8];
};

// A link of procfs is magic unless it lies in its root ("self", "mounts") or is one that the kernel
// registered with its text (/proc/fs, drivers): those have high inode numbers and the text's length. A
// walk that took a magic one for a plain one would follow its text, which cannot leave the root either.
bool is_magic(const FileSystem& system, const struct statx& parent, const struct statx& link, long length) {
    if (system.type != PROC_SUPER_MAGIC) return false;
    constexpr std::uint64_t procfs_root = 1, first_registered = 0xf0000000;
    if (parent.stx_ino == procfs_root) return false;
    return link.stx_ino < first_registered || link.stx_size != static_cast<std::uint64_t>(length);
}

// fs.protected_symlinks, which is how distributions run: a link in a directory like /tmp is followed only if
// it is one's own or the directory owner's.
bool may_follow(const struct statx& parent, const struct statx& link) {
    const bool watched = (parent.stx_mode & sticky_for_all) == sticky_for_all;
    if (!watched || link.stx_uid == parent.stx_uid) return true;
    return call(__NR_geteuid) == static_cast<long>(link.stx_uid);
}

// The rest of the path. A link's text goes in front of it, so the rest stands at the buffer's end.
class Pending {
  public:
    bool put_in_front(const char* text, std::size_t length) {
        const bool rest = !empty();
        if (length + 2 > first_) return false;
        if (rest) bytes_[--first_] = '/';
        first_ -= length;
        __builtin_memcpy(bytes_ + first_, text, length);
        return true;
    }

    bool empty() const { return bytes_[first_] == '\0'; }
    bool starts_at_root() const { return bytes_[first_] == '/'; }

    // Takes the next component; empty at the end and after a last slash. -ENAMETOOLONG
    long take(char (&name)[256]) {
        std::size_t length = 0;
        for (; bytes_[first_] != '\0' && bytes_[first_] != '/'; ++first_) {
            if (length == sizeof name - 1) return -ENAMETOOLONG;
            name[length++] = bytes_[first_];
        }
        name[length] = '\0';
        slash_ = bytes_[first_] == '/';
        while (bytes_[first_] == '/') ++first_;
        return 0;
    }
    bool slash_follows() const { return slash_; }
    // A slash that was taken and asks for a directory goes on doing so.
    void put_slash_back() { bytes_[--first_] = '/'; }

  private:
    char bytes_[2 * path_limit + 1] = {};
    std::size_t first_ = sizeof bytes_ - 1;
    bool slash_ = false;
};

// The directories walked through, by name. ".." walks them again from the root, without the last: so a
// directory that somebody moves out of the root meanwhile does not take the walk with it.
class Trail {
  public:
    bool add(const char* name) {
        const std::size_t length = length_of(name);
        if (size_ + length + 2 > sizeof bytes_) return false;
        bytes_[size_++] = '/';
        __builtin_memcpy(bytes_ + size_, name, length + 1);
        size_ += length;
        return true;
    }
    void remove_last() {
        while (size_ > 0) {
            --size_;
            if (bytes_[size_] == '/') break;
        }
        bytes_[size_] = '\0';
    }
    void clear() { bytes_[size_ = 0] = '\0'; }
    bool empty() const { return size_ == 0; }

    // Opens the last one, component by component. -ELOOP, -ENOTDIR: somebody put something else in its place.
    long open(int root) const {
        long current = openat(root, ".", O_PATH | O_DIRECTORY);
        char name[256];
        for (std::size_t at = 0; at < size_ && current >= 0;) {
            std::size_t length = 0;
            for (++at; at < size_ && bytes_[at] != '/'; ++at) name[length++] = bytes_[at];
            name[length] = '\0';
            const Handle parent(current);
            current = openat(parent.number(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        }
        return current;
    }

  private:
    char bytes_[path_limit] = {};
    std::size_t size_ = 0;
};

class Walk {
  public:
    Walk(int root, long flags, std::uint64_t resolve) : root_(root), flags_(flags), resolve_(resolve) {}
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    ~Walk() {
        if (current_ >= 0) close(static_cast<int>(current_));
    }

    long run(const char* path) {
        const std::size_t length = length_of(path);
        if (length == 0) return -ENOENT;
        if (length >= path_limit) return -ENAMETOOLONG;
        pending_.put_in_front(path, length);
        const long started = start_again();
        if (started < 0) return started;
        for (;;) {
            char name[256];
            const long taken = pending_.take(name);
            if (taken < 0) return taken;
            const bool last = pending_.empty() && !pending_.slash_follows();
            if (name[0] == '\0' || equal(name, ".") || equal(name, "..")) {
                const long stepped = step(name);
                if (stepped < 0) return stepped;
                if (pending_.empty()) return openat(here(), ".", flags_);
                continue;
            }
            const Step entered = enter(name, last);
            if (entered.ends) return entered.result;
        }
    }

  private:
    struct Step {
        bool ends;
        long result;
    };
    static Step go_on(long result) { return {result < 0, result}; }

    int here() const { return static_cast<int>(current_); }

    long move_to(long next) {
        if (next < 0) return next;
        if (current_ >= 0) close(here());
        current_ = next;
        return 0;
    }

    // At the root, if what is pending starts there.
    long start_again() {
        if (pending_.starts_at_root() && refuses(RESOLVE_BENEATH)) return -EXDEV;
        if (current_ >= 0 && !pending_.starts_at_root()) return 0;
        trail_.clear();
        return move_to(openat(root_, ".", O_PATH | O_DIRECTORY));
    }

    bool refuses(std::uint64_t what) const { return (resolve_ & what) != 0; }

    // Returns the open file if it lies on the root's mount, or if that does not matter.
    long on_mount(long opened) const {
        if (opened < 0 || !refuses(RESOLVE_NO_XDEV)) return opened;
        Handle file(opened);
        struct statx root {};
        struct statx status {};
        if (const long known = statx(root_, &root); known < 0) return known;
        if (const long known = statx(file.number(), &status); known < 0) return known;
        return status.stx_mnt_id == root.stx_mnt_id ? file.release() : -EXDEV;
    }

    // "", "." and "..": the directory has to be one that may be searched in any case.
    long step(const char* name) {
        const Handle searched(openat(here(), ".", O_PATH | O_DIRECTORY));
        if (searched.number() < 0) return searched.number();
        if (!equal(name, "..")) return 0;
        if (trail_.empty() && refuses(RESOLVE_BENEATH)) return -EXDEV;
        trail_.remove_last();
        return move_to(on_mount(trail_.open(root_)));
    }

    Step enter(const char* name, bool last) {
        Handle next(on_mount(openat(here(), name, O_PATH | O_NOFOLLOW)));
        if (next.number() < 0) return {true, next.number()};
        struct statx status {};
        const long looked = statx(next.number(), &status);
        if (looked < 0) return {true, looked};
        if (has_kind(status, link_kind)) return go_on(follow(next.number(), status));
        const bool directory = has_kind(status, directory_kind);
        if (!directory && (!last || (flags_ & O_DIRECTORY) != 0)) return {true, -ENOTDIR};
        if (last && (flags_ & O_PATH) != 0) return {true, next.release()};
        if (last) return {true, on_mount(openat(here(), name, flags_ | O_NOFOLLOW))};
        if (!trail_.add(name)) return {true, -ENAMETOOLONG};
        return go_on(move_to(next.release()));
    }

    // Puts the link's text in front of what is pending.
    long follow(int link, const struct statx& status) {
        if (refuses(RESOLVE_NO_SYMLINKS) || ++followed_ > link_limit) return -ELOOP;
        struct statx parent {};
        FileSystem system{};
        const long looked = statx(here(), &parent);
        if (looked < 0) return looked;
        const long known = call(__NR_fstatfs, long{link}, &system);
        if (known < 0) return known;
        constexpr long no_links = 0x2000;  // ST_NOSYMFOLLOW, 5.10
        if ((system.flags & no_links) != 0) return -ELOOP;
        if (!may_follow(parent, status)) return -EACCES;
        char text[path_limit];
        const long length = call(__NR_readlinkat, long{link}, "", text, sizeof text);
        if (length < 0) return length;
        if (length == 0) return -ENOENT;
        if (is_magic(system, parent, status, length)) return -ELOOP;
        if (pending_.empty() && pending_.slash_follows()) pending_.put_slash_back();
        if (!pending_.put_in_front(text, static_cast<std::size_t>(length))) return -ENAMETOOLONG;
        return start_again();
    }

    int root_;
    long flags_;
    std::uint64_t resolve_;
    long current_ = -1;
    unsigned followed_ = 0;
    Pending pending_;
    Trail trail_;
};

bool refused(long result) { return result == -ENOSYS || result == -EPERM; }

}  // namespace

long walk_below(int directory, const char* path, long flags, std::uint64_t resolve) {
    return Walk(directory, flags, resolve).run(path);
}

long open_below(int directory, const char* path, long flags, std::uint64_t resolve) {
    const long opened =
        openat2(directory, path, static_cast<std::uint64_t>(flags), resolve | RESOLVE_NO_MAGICLINKS);
    return refused(opened) ? walk_below(directory, path, flags, resolve) : opened;
}

long open_from_root(const char* path, long flags, std::uint64_t resolve) {
    const long opened =
        openat2(AT_FDCWD, path, static_cast<std::uint64_t>(flags), resolve | RESOLVE_NO_MAGICLINKS);
    if (!refused(opened)) return opened;
    const Handle root(openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
    return root.number() < 0 ? root.number() : walk_below(root.number(), path, flags, resolve);
}

}  // namespace bulkhead::raw
