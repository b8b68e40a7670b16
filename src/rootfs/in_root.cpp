// SPDX-License-Identifier: Apache-2.0
#include "rootfs/in_root.hpp"

#include <asm/errno.h>
#include <linux/magic.h>

#include "base/resolve.hpp"

namespace bulkhead::rootfs {

using plan::StageContext;

namespace {

constexpr std::size_t path_limit = 4096;  // PATH_MAX: the kernel takes no longer one either
constexpr unsigned directory_mode = 0755;
constexpr unsigned file_mode = 0644;
constexpr unsigned regular_file = 0100000;  // S_IFREG

// A path cut at its components in a buffer of its own, because the arena's strings are shared between steps.
class Components {
  public:
    explicit Components(const char* path) {
        while (path[size_] != '\0' && size_ < path_limit - 1) {
            bytes_[size_] = path[size_];
            ++size_;
        }
        bytes_[size_] = '\0';
        fits_ = path[size_] == '\0';
    }

    bool fits() const { return fits_; }
    const char* path() const { return bytes_; }
    char* at(std::size_t offset) { return bytes_ + offset; }
    std::size_t size() const { return size_; }

    // Cuts the last component off and returns its offset.
    std::size_t cut() {
        while (size_ > 0 && bytes_[size_ - 1] != '/') --size_;
        const std::size_t name = size_;
        while (size_ > 0 && bytes_[size_ - 1] == '/') --size_;
        bytes_[size_] = '\0';
        return name;
    }

  private:
    char bytes_[path_limit];
    std::size_t size_ = 0;
    bool fits_ = false;
};

// The directory where a path begins, and the flags to resolve it from there.
struct Start {
    int directory;
    const char* path;
    std::uint64_t how;
};

Start in_root(int root, const char* path, bool plain) {
    return {root, path, RESOLVE_IN_ROOT | (plain ? std::uint64_t{RESOLVE_NO_SYMLINKS} : 0)};
}

// The mount itself has no name beneath it, and may be a file.
long open_at(const Start& start) {
    if (start.path[0] == '\0') return raw::call(__NR_fcntl, long{start.directory}, long{F_DUPFD_CLOEXEC}, 0L);
    return raw::open_below(start.directory, start.path, O_PATH, start.how);
}

long open_nearest(const Start& start, Components& components) {
    for (;;) {
        components.cut();
        if (components.size() == 0) return raw::open_below(start.directory, ".", O_PATH, start.how);
        const long fd = raw::open_below(start.directory, components.path(), O_PATH, start.how);
        if (fd != -ENOENT) return fd;
    }
}

// Makes a missing component, then opens it without following a link, so that a link that a neighbour put
// there meanwhile is an error and not a detour.
long make_component(int parent, const char* name, Missing missing) {
    const long made = missing == Missing::directory
                          ? raw::call(__NR_mkdirat, long{parent}, name, long{directory_mode})
                          : raw::call(__NR_mknodat, long{parent}, name, long{regular_file | file_mode}, 0L);
    const bool there = made == -EEXIST && missing == Missing::directory;
    if (made < 0 && !there) return made;
    const long kind = missing == Missing::directory ? O_DIRECTORY : 0;
    return raw::openat(parent, name, O_PATH | O_NOFOLLOW | kind);
}

// Makes each component of `rest` below `nearest`, which it closes.
long make_rest(long nearest, Components& rest, Missing missing) {
    long parent = nearest;
    for (std::size_t at = 0; at < rest.size();) {
        char* name = rest.at(at);
        std::size_t length = 0;
        while (name[length] != '\0' && name[length] != '/') ++length;
        const bool last = at + length >= rest.size();
        name[length] = '\0';
        const long next = make_component(static_cast<int>(parent), name, last ? missing : Missing::directory);
        raw::close(static_cast<int>(parent));
        if (next < 0) return next;
        parent = next;
        at += length + 1;
    }
    return parent;
}

Target make_at(const Start& start, Missing missing) {
    const long existing = open_at(start);
    if (existing != -ENOENT) return {existing, plan::Call::openat2, false};
    Components head(start.path);
    if (!head.fits()) return {-ENAMETOOLONG, plan::Call::openat2, false};
    const long nearest = open_nearest(start, head);
    if (nearest < 0) return {nearest, plan::Call::openat2, false};
    std::size_t skip = head.size();
    while (start.path[skip] == '/') ++skip;
    Components rest(start.path + skip);
    return {make_rest(nearest, rest, missing), plan::Call::mkdirat, true};
}

ParentDirectory parent_at(const Start& start) {
    Components components(start.path);
    if (!components.fits()) return {-ENAMETOOLONG, nullptr};
    const std::size_t name = components.cut();
    const char* parent = components.size() == 0 ? "." : components.path();
    return {raw::open_below(start.directory, parent, O_PATH, start.how), start.path + name};
}

Start from_root(const StageContext& stage, plan::Path path, bool plain) {
    return in_root(stage.root, stage.arena.text(path), plain);
}

// A directory that was missing has no descriptor: nothing lies below it.
bool lies_below_nothing(const StageContext& stage, plan::Path path) {
    return path.below.index != 0 && stage.anchors[path.below.index].fd == 0;
}

Start beneath(const StageContext& stage, plan::Path path, bool plain) {
    if (path.below.index == 0) return from_root(stage, path, plain);
    Start start = in_root(stage.anchors[path.below.index].fd, stage.arena.text(path) + path.skip, plain);
    start.how ^= RESOLVE_IN_ROOT | RESOLVE_BENEATH;
    return start;
}

// True if RESOLVE_BENEATH refused a link that leaves the mount.
bool leaves(plan::Path path, long fd) { return fd == -EXDEV && path.below.index != 0; }

}  // namespace

long open_in_root(int root, const char* path, bool plain) { return open_at(in_root(root, path, plain)); }

Target make_in_root(int root, const char* path, Missing missing, bool plain) {
    return make_at(in_root(root, path, plain), missing);
}

long open_nearest_in_root(int root, const char* path) {
    const Start start = in_root(root, path, false);
    if (const long whole = open_at(start); whole != -ENOENT) return whole;
    Components components(path);
    return components.fits() ? open_nearest(start, components) : -ENAMETOOLONG;
}

bool strays_into_procfs(int target, const char* path) {
    if (raw::filesystem_type(target) != PROC_SUPER_MAGIC) return false;
    for (const char* proc = "proc"; *proc != '\0'; ++proc, ++path)
        if (*path != *proc) return true;
    return *path != '\0' && *path != '/';
}

ParentDirectory parent_in_root(int root, const char* path) { return parent_at(in_root(root, path, false)); }

long open_path(const StageContext& stage, plan::Path path, bool plain) {
    if (lies_below_nothing(stage, path)) return -ENOENT;
    const long fd = open_at(beneath(stage, path, plain));
    return leaves(path, fd) ? open_at(from_root(stage, path, plain)) : fd;
}

Target make_path(const StageContext& stage, plan::Path path, Missing missing, bool plain) {
    if (lies_below_nothing(stage, path)) return {-ENOENT, plan::Call::openat2, false};
    const Target target = make_at(beneath(stage, path, plain), missing);
    return leaves(path, target.fd) ? make_at(from_root(stage, path, plain), missing) : target;
}

ParentDirectory parent_of(const StageContext& stage, plan::Path path) {
    if (lies_below_nothing(stage, path)) return {-ENOENT, nullptr};
    const ParentDirectory place = parent_at(beneath(stage, path, false));
    return leaves(path, place.directory) ? parent_at(from_root(stage, path, false)) : place;
}

bool is_missing(long fd) { return fd == -ENOENT || fd == -ENOTDIR; }

}  // namespace bulkhead::rootfs
