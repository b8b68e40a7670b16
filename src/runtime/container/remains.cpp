// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/remains.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"
#include "runtime/steps/helper_program.hpp"

namespace bulkhead::runtime {

namespace {

// True if the path leads to no file.
bool leads_nowhere(const Error& error) {
    return error.kind == Kind::not_found || error.err == ENOTDIR || error.err == ELOOP ||
           error.err == ENAMETOOLONG;
}

// The hierarchy at the record's mount point, or else the one of this host: a damaged letter in the mount
// point must not keep a cgroup that its own path and inode identify.
Result<std::string> hierarchy_for(const State& state) {
    if (cgroups::open_hierarchy(state.cgroup_mount)) return state.cgroup_mount;
    LET(cgroups::Hierarchy there_is, cgroups::find_hierarchy(helper_program));
    return std::move(there_is.mount);
}

void forget_cgroup(State& state) {
    state.cgroup_path.clear();
    state.cgroup_inode = 0;
    state.kept_cgroups.clear();
}

// The cgroup that has the record's path and inode; no descriptor if there is none.
Result<Fd> identified_cgroup(const State& state) {
    if (state.cgroup_path.empty() || state.cgroup_inode == 0) return Fd();
    LET(const Fd hierarchy, cgroups::open_hierarchy(state.cgroup_mount));
    auto group = cgroups::open(hierarchy.number(), state.cgroup_path);
    const bool nowhere = !group && (leads_nowhere(group.error()) || group.error().kind == Kind::internal);
    if (nowhere) return Fd();
    if (!group) return group;
    LET(const struct stat status, sys::status_of(group->number()));
    return status.st_ino == state.cgroup_inode ? std::move(*group) : Fd();
}

// A cgroup that others may have made before stays, as if the record said so.
Result<> prove_cgroup(Proven& made, bool tells_kept_cgroups) {
    State& state = made.state;
    const bool named = !state.cgroup_path.empty();
    if (named) {
        LET(state.cgroup_mount, hierarchy_for(state));
    }
    LET(const Fd group, identified_cgroup(state));
    if (!group) {
        if (named)
            made.warnings.push_back(cat("the record does not prove that the cgroup ",
                                        quoted(state.cgroup_path),
                                        " is the container's: it stays, if it is there"));
        forget_cgroup(state);
        return {};
    }
    if (tells_kept_cgroups) return {};
    LET(state.kept_cgroups, cgroups::inodes(group.number()));
    made.warnings.push_back(cat("the record does not tell who made the cgroup ", quoted(state.cgroup_path),
                                ": it is emptied and stays"));
    return {};
}

// `inode`: 0 is no proof.
Result<bool> is_at(const std::string& path, std::uint64_t inode) {
    if (path.empty() || inode == 0) return false;
    const auto status = sys::status_at(sys::here, path, AT_SYMLINK_NOFOLLOW);
    if (status) return status->st_ino == inode && S_ISDIR(status->st_mode);
    if (leads_nowhere(status.error())) return false;
    return std::unexpected(status.error());
}

Result<> prove_rdt(Proven& made) {
    RdtRecord& rdt = made.state.rdt;
    if (rdt.mount.empty()) return {};
    LET(const bool group, is_at(rdt.path, rdt.inode));
    LET(const bool monitoring, is_at(rdt.monitoring, rdt.monitoring_inode));
    if (!monitoring) rdt.monitoring.clear();
    rdt.shared = rdt.shared || !group;
    if (!group && !monitoring) rdt = {};
    return {};
}

// systemd ends a scope that is empty; a slice stays.
void prove_unit(Proven& made) {
    UnitRecord& unit = made.state.unit;
    const bool stops = !unit.invocation.empty() && !unit.addresses.empty() && !unit.name.ends_with(".slice");
    if (unit.name.empty() || stops) return;
    made.warnings.push_back(cat("the unit ", quoted(unit.name), " is not stopped"));
    unit = {};
}

// If the path leads nowhere, nothing that is mounted there can be reached by it.
void prove_root(Proven& made) {
    State& state = made.state;
    if (state.root_mount.number == 0) return;
    const auto top = sys::open(state.rootfs, O_PATH | O_DIRECTORY);
    const auto found = top ? sys::mount_identity(top->number()) : std::unexpected(top.error());
    if (found && *found == state.root_mount) return;
    made.warnings.push_back(
        cat("the container's root is not mounted at ", quoted(state.rootfs), ": its mount stays"));
    state.root_mount = {};
}

}  // namespace

Result<Proven> proven(const Found& damaged) {
    Proven made{damaged.state, {}};
    TRY(prove_cgroup(made, damaged.tells_kept_cgroups));
    TRY(prove_rdt(made));
    prove_unit(made);
    prove_root(made);
    return made;
}

Result<Proven> with_cgroup_found(const State& state) {
    Proven made{state, {}};
    if (state.cgroup_path.empty()) return made;
    LET(made.state.cgroup_mount, hierarchy_for(state));
    LET(const Fd hierarchy, cgroups::open_hierarchy(made.state.cgroup_mount));
    const auto group = cgroups::open(hierarchy.number(), state.cgroup_path);
    const bool impossible = !group && group.error().kind != Kind::not_found &&
                            (leads_nowhere(group.error()) || group.error().kind == Kind::internal);
    if (!impossible) return made;
    made.warnings.push_back(cat("no cgroup can have the path of the record, ", quoted(state.cgroup_path)));
    forget_cgroup(made.state);
    return made;
}

}  // namespace bulkhead::runtime
