// SPDX-License-Identifier: Apache-2.0
#include "namespaces/visit.hpp"

#include <fcntl.h>
#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/sys.hpp"

namespace bulkhead::namespaces {

namespace {

struct Name {
    std::uint64_t type;
    const char* name;
};
constexpr std::array names{
    Name{CLONE_NEWTIME, "time"}, Name{CLONE_NEWNS, "mnt"},  Name{CLONE_NEWCGROUP, "cgroup"},
    Name{CLONE_NEWUTS, "uts"},   Name{CLONE_NEWIPC, "ipc"}, Name{CLONE_NEWUSER, "user"},
    Name{CLONE_NEWPID, "pid"},   Name{CLONE_NEWNET, "net"},
};

}  // namespace

Result<Fd> open_own(std::uint64_t type) {
    const auto* const row = std::ranges::find(names, type, &Name::type);
    if (row == names.end()) return fail(Kind::internal, "no such kind of namespace: ", type);
    return sys::open(cat("/proc/self/ns/", row->name), O_RDONLY);
}

Result<std::uint64_t> foreign_namespaces(pid_t pid) {
    std::uint64_t types = 0;
    for (const Name& each : names) {
        const auto own = sys::status_at(sys::here, cat("/proc/self/ns/", each.name));
        if (!own) continue;  // the kernel does not have this type
        LET(const struct stat theirs, sys::status_at(sys::here, cat("/proc/", pid, "/ns/", each.name)));
        if (own->st_dev != theirs.st_dev || own->st_ino != theirs.st_ino) types |= each.type;
    }
    return types;
}

Result<bool> is_own(const Fd& file, std::uint64_t type) {
    LET(const Fd own, open_own(type));
    LET(const struct stat left, sys::status_of(file.number()));
    LET(const struct stat right, sys::status_of(own.number()));
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

Result<Visit> Visit::enter(const std::vector<Destination>& destinations) {
    Visit visit;
    if (destinations.empty()) return visit;
    LET(visit.directory_, sys::open(".", O_PATH | O_DIRECTORY));
    LET(visit.root_, sys::open("/", O_PATH | O_DIRECTORY));
    std::vector<Home> homes;
    for (const Destination& place : destinations) {
        LET(Fd home, open_own(place.type));
        homes.push_back({std::move(home), place.type});
    }
    for (std::size_t i = 0; i < destinations.size(); ++i) {
        TRY(sys::join_namespace(destinations[i].file, destinations[i].type));
        visit.homes_.push_back(std::move(homes[i]));
    }
    return visit;
}

Visit::Visit(Visit&& other) noexcept
    : homes_(std::exchange(other.homes_, {})),
      directory_(std::move(other.directory_)),
      root_(std::move(other.root_)) {}

Visit::~Visit() { (void)leave(); }

Result<> Visit::leave() {
    bool moved = false;
    for (const Home& home : std::exchange(homes_, {})) {
        TRY(sys::join_namespace(home.file.number(), home.type));
        moved = moved || home.type == CLONE_NEWNS;
    }
    if (!moved) return {};
    TRY(sys::change_root(root_.number()));
    return sys::change_directory(directory_.number());
}

}  // namespace bulkhead::namespaces
