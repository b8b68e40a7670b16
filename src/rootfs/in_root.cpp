// SPDX-License-Identifier: Apache-2.0
#include "rootfs/in_root.hpp"

#include <asm/errno.h>
#include <linux/magic.h>

#include "base/resolve.hpp"

namespace bulkhead::rootfs {

namespace {

constexpr std::size_t path_limit = 4096;  // PATH_MAX: the kernel takes no longer one either
constexpr unsigned directory_mode = 0755;
constexpr unsigned file_mode = 0644;
constexpr unsigned regular_file = 0100000;  // S_IFREG

// A path cut at its components in a buffer of its own, since the arena's strings are shared between steps.
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

long open_nearest(int root, Components& components, bool plain) {
    for (;;) {
        components.cut();
        if (components.size() == 0) return open_in_root(root, ".");
        const long fd = open_in_root(root, components.path(), plain);
        if (fd != -ENOENT) return fd;
    }
}

// One missing component: made, then opened without following a link, so that what a neighbour put there in
// between is an error and not a detour.
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

}  // namespace

long open_in_root(int root, const char* path, bool plain) {
    return raw::open_below(root, path, O_PATH, RESOLVE_IN_ROOT | (plain ? RESOLVE_NO_SYMLINKS : 0));
}

Target make_in_root(int root, const char* path, Missing missing, bool plain) {
    const long existing = open_in_root(root, path, plain);
    if (existing != -ENOENT) return {existing, plan::Call::openat2, false};
    Components head(path);
    if (!head.fits()) return {-ENAMETOOLONG, plan::Call::openat2, false};
    const long nearest = open_nearest(root, head, plain);
    if (nearest < 0) return {nearest, plan::Call::openat2, false};
    std::size_t skip = head.size();
    while (path[skip] == '/') ++skip;
    Components rest(path + skip);
    return {make_rest(nearest, rest, missing), plan::Call::mkdirat, true};
}

bool strays_into_procfs(int target, const char* path) {
    if (raw::filesystem_type(target) != PROC_SUPER_MAGIC) return false;
    for (const char* proc = "proc"; *proc != '\0'; ++proc, ++path)
        if (*path != *proc) return true;
    return *path != '\0' && *path != '/';
}

Place parent_in_root(int root, const char* path) {
    Components components(path);
    if (!components.fits()) return {-ENAMETOOLONG, nullptr};
    const std::size_t name = components.cut();
    const char* parent = components.size() == 0 ? "." : components.path();
    return {open_in_root(root, parent), path + name};
}

}  // namespace bulkhead::rootfs
