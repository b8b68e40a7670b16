// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/sys.hpp"
#include "base/text.hpp"
#include "cgroups/group/events.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/path.hpp"
#include "cgroups/group/walk.hpp"

namespace bulkhead::cgroups {

namespace {

// True if the directory is gone, false if it is in use (EBUSY: processes or children).
Result<bool> remove_directory(int directory, const std::string& name) {
    auto removed = sys::remove_at(directory, name, AT_REMOVEDIR);
    if (removed || is_gone(removed.error())) return true;
    if (removed.error().err == EBUSY) return false;
    return std::unexpected(std::move(removed).error());
}

// True if the cgroup at `below` is the one that we made; kernfs never uses an id a second time.
Result<bool> is_ours(int hierarchy_fd, const std::string& below, std::uint64_t inode) {
    if (inode == 0) return true;
    const auto status = sys::status_at(hierarchy_fd, below, AT_SYMLINK_NOFOLLOW);
    if (status) return status->st_ino == inode;
    if (is_gone(status.error())) return false;
    return std::unexpected(status.error());
}

Result<bool> is_kept(int parent, const std::string& name, const std::vector<std::uint64_t>& kept) {
    if (kept.empty()) return false;
    const auto status = sys::status_at(parent, name, AT_SYMLINK_NOFOLLOW);
    if (!status && !is_gone(status.error())) return std::unexpected(status.error());
    return status && std::ranges::count(kept, status->st_ino) != 0;
}

Result<> remove_children(int cgroup_fd, const BackOff& back_off,
                         const std::vector<std::uint64_t>& kept = {}) {
    return walk(
        cgroup_fd, [](int) -> Result<> { return {}; },
        [&](int parent, const std::string& name) -> Result<> {
            if (back_off.over()) return system_error(ETIMEDOUT, "rmdir", name);
            LET(const bool stays, is_kept(parent, name, kept));
            if (!stays) TRY(remove_directory(parent, name));
            return {};
        });
}

std::unexpected<Error> still_busy(int cgroup_fd, int deadline_ms) {
    const auto left = processes(cgroup_fd);
    return fail(Kind::kernel, "device or resource busy: ", left ? left->size() : 0,
                " process(es) found after ", deadline_ms, " ms");
}

// Calls `act` whenever no process is in the cgroup, until `act` returns true. The common case is a process
// that was killed a moment ago: it leaves within microseconds, and the event reports that.
template <class Act>
Result<> once_vacant(int hierarchy_fd, const std::string& below, int deadline_ms, Act act) {
    LET(const Fd cgroup, sys::open_at(hierarchy_fd, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    LET(const Events events, Events::open(cgroup.number()));
    BackOff back_off(deadline_ms);
    for (;;) {
        LET(const bool occupied, events.flag("populated"));
        if (!occupied) {
            LET(const bool done, act(cgroup.number(), back_off));
            if (done) return {};
        }
        const std::uint64_t pause = back_off.next();
        if (pause == 0) return still_busy(cgroup.number(), deadline_ms);
        events.wait(pause);
    }
}

// Looks for children only if the cgroup cannot be removed without that.
Result<> remove_busy(int hierarchy_fd, const std::string& below, int deadline_ms) {
    return once_vacant(hierarchy_fd, below, deadline_ms,
                       [&](int cgroup_fd, const BackOff& back_off) -> Result<bool> {
                           LET(const bool at_once, remove_directory(hierarchy_fd, below));
                           if (at_once) return true;
                           TRY(remove_children(cgroup_fd, back_off));
                           return remove_directory(hierarchy_fd, below);
                       });
}

// Removes the cgroups below, except the kept ones. The cgroup itself stays.
Result<> remove_below(int hierarchy_fd, const std::string& below, int deadline_ms,
                      const std::vector<std::uint64_t>& kept) {
    return once_vacant(hierarchy_fd, below, deadline_ms,
                       [&](int cgroup_fd, const BackOff& back_off) -> Result<bool> {
                           TRY(remove_children(cgroup_fd, back_off, kept));
                           return true;
                       });
}

Result<> remove_one(int hierarchy_fd, const std::string& below, int deadline_ms) {
    LET(const bool at_once, remove_directory(hierarchy_fd, below));
    return at_once ? Result<>() : remove_busy(hierarchy_fd, below, deadline_ms);
}

// Calls `act` on the cgroup at `path` if its inode is the right one. A cgroup that is gone needs nothing.
template <class Act>
Result<> on_ours(int hierarchy_fd, const std::string& path, std::uint64_t inode, Act act) {
    LET(const std::string below, below_mount(path));
    LET(const bool ours, is_ours(hierarchy_fd, below, inode));
    if (!ours) return {};
    auto done = act(below);
    if (done || is_gone(done.error())) return {};
    return done;
}

}  // namespace

Result<> remove(int hierarchy_fd, const std::string& path, int deadline_ms, std::uint64_t inode) {
    auto removed = on_ours(hierarchy_fd, path, inode, [&](const std::string& below) {
        return remove_one(hierarchy_fd, below, deadline_ms);
    });
    if (!removed)
        return std::unexpected(
            std::move(removed).error().under(cat("cannot remove cgroup ", quotable(path))));
    return {};
}

Result<> clear(int hierarchy_fd, const std::string& path, int deadline_ms,
               const std::vector<std::uint64_t>& kept) {
    auto cleared = on_ours(
        hierarchy_fd, path, kept.empty() ? 0 : kept.front(),
        [&](const std::string& below) { return remove_below(hierarchy_fd, below, deadline_ms, kept); });
    if (!cleared)
        return std::unexpected(std::move(cleared).error().under(cat("cannot clear cgroup ", quotable(path))));
    return {};
}

Result<std::vector<std::uint64_t>> inodes(int cgroup_fd) {
    std::vector<std::uint64_t> found;
    TRY(walk(
        cgroup_fd,
        [&](int directory) -> Result<> {
            LET(const struct stat status, sys::status_of(directory));
            found.push_back(status.st_ino);
            return {};
        },
        [](int, const std::string&) -> Result<> { return {}; }));
    return found;
}

}  // namespace bulkhead::cgroups
