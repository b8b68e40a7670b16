// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/group.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/kernel.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "cgroups/group/events.hpp"
#include "cgroups/group/path.hpp"
#include "cgroups/group/walk.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr mode_t directory_mode = 0755;

// `below` is a path without a leading "/".
Result<Fd> open_below(int hierarchy_fd, const std::string& below) {
    LET(Fd directory, sys::open_at(hierarchy_fd, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    LET(const long type, sys::filesystem_type(directory.number()));
    if (type != kernel::cgroup2_super_magic)
        return fail(Kind::unsupported, quotable(below), ": something that is not cgroup v2 is mounted there");
    return directory;
}

// Sets the mode whatever the caller's umask is, because the container's processes may look at their cgroup.
Result<> make_one(int hierarchy_fd, const std::string& below) {
    TRY(sys::make_directory_at(hierarchy_fd, below, directory_mode));
    return sys::change_mode_at(hierarchy_fd, below, directory_mode);
}

Result<> make_parents(int hierarchy_fd, const std::string& below) {
    for (std::size_t end = below.find('/'); end != std::string::npos; end = below.find('/', end + 1)) {
        auto made = make_one(hierarchy_fd, below.substr(0, end));
        if (!made && made.error().err != EEXIST) return made;
    }
    return {};
}

// True if this call made the directory, false if it existed.
Result<bool> make_directory(int hierarchy_fd, const std::string& below) {
    auto made = make_one(hierarchy_fd, below);
    if (!made && made.error().err == ENOENT) {
        TRY(make_parents(hierarchy_fd, below));
        made = make_one(hierarchy_fd, below);
    }
    if (made) return true;
    if (made.error().err == EEXIST) return false;
    return std::unexpected(std::move(made).error());
}

Result<> check_open_vacant(int cgroup_fd) {
    LET(const Events events, Events::open(cgroup_fd));
    LET(const bool occupied, events.flag("populated"));
    if (occupied) {
        LET(const auto found, processes(cgroup_fd));
        return fail(Kind::exists, "container's cgroup is not empty: ", std::max<std::size_t>(found.size(), 1),
                    " process(es) found");
    }
    LET(const bool stopped, events.flag("frozen"));
    if (stopped) return fail(Kind::bad_state, "container's cgroup unexpectedly frozen");
    return {};
}

Result<Made> open_vacant(int hierarchy_fd, const std::string& below, bool created) {
    LET(Fd directory, open_below(hierarchy_fd, below));
    TRY(check_open_vacant(directory.number()));
    LET(const struct stat status, sys::status_of(directory.number()));
    return Made{std::move(directory), created, status.st_ino};
}

// The nearest existing cgroup above decides. The root of the hierarchy cannot be frozen.
Result<bool> frozen_above(int hierarchy_fd, std::string below) {
    for (std::size_t slash = below.rfind('/'); slash != std::string::npos; slash = below.rfind('/')) {
        below.resize(slash);
        const auto directory = open_below(hierarchy_fd, below);
        if (directory) return frozen(directory->number());
        if (!is_gone(directory.error())) return std::unexpected(directory.error());
    }
    return false;
}

// Adds cgroup.procs of one cgroup to `pids`. A threaded cgroup refuses (EOPNOTSUPP), because a cgroup further
// up lists its processes.
Result<> add_processes(int directory, std::vector<pid_t>& pids) {
    auto text = read_kernel_file(directory, "cgroup.procs");
    if (!text && text.error().err == EOPNOTSUPP) return {};
    if (!text) return std::unexpected(std::move(text).error());
    for (const std::string_view line : split(*text, '\n'))
        if (const auto pid = parse_decimal<std::uint32_t>(line); pid && *pid != 0)
            pids.push_back(static_cast<pid_t>(*pid));  // 0 is a process of another pid namespace
    return {};
}

}  // namespace

Result<Made> make(int hierarchy_fd, const std::string& path) {
    LET(const std::string below, below_mount(path));
    LET(const bool created, make_directory(hierarchy_fd, below));
    auto made = open_vacant(hierarchy_fd, below, created);
    if (made) return made;
    if (created) (void)sys::remove_at(hierarchy_fd, below, AT_REMOVEDIR);
    return std::unexpected(std::move(made).error().under(cat("cgroup ", quotable(path))));
}

Result<> check_vacant(int hierarchy_fd, const std::string& path) {
    LET(const std::string below, below_mount(path));
    const auto directory = open_below(hierarchy_fd, below);
    if (directory) {
        auto vacant = check_open_vacant(directory->number());
        if (vacant || is_gone(vacant.error())) return {};
        return std::unexpected(std::move(vacant).error().under(cat("cgroup ", quotable(path))));
    }
    if (!is_gone(directory.error())) return std::unexpected(directory.error());
    LET(const bool stopped, frozen_above(hierarchy_fd, below));
    if (!stopped) return {};
    return fail(Kind::bad_state, "cgroup ", quotable(path), ": a cgroup above it is frozen");
}

Result<Fd> open(int hierarchy_fd, const std::string& path) {
    LET(const std::string below, below_mount(path));
    return open_below(hierarchy_fd, below);
}

Result<bool> frozen(int cgroup_fd) {
    LET(const Events events, Events::open(cgroup_fd));
    return events.flag("frozen");
}

Result<bool> populated(int cgroup_fd) {
    LET(const Events events, Events::open(cgroup_fd));
    return events.flag("populated");
}

Result<std::vector<pid_t>> processes(int cgroup_fd) {
    std::vector<pid_t> pids;
    auto walked = walk(
        cgroup_fd, [&](int directory) { return add_processes(directory, pids); },
        [](int, const std::string&) -> Result<> { return {}; });
    if (!walked && !is_gone(walked.error())) return std::unexpected(std::move(walked).error());
    std::ranges::sort(pids);
    const auto doubles = std::ranges::unique(pids);  // a process may move during the walk
    pids.erase(doubles.begin(), doubles.end());
    return pids;
}

}  // namespace bulkhead::cgroups
