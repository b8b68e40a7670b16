// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/identity.hpp"

#include "base/files.hpp"
#include "base/kernel.hpp"
#include "base/sys.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/group/mount.hpp"

namespace bulkhead::runtime {

std::optional<ProcessStatus> parse_stat(std::string_view text) {
    const std::size_t command_end = text.rfind(") ");
    if (command_end == std::string_view::npos) return std::nullopt;
    // After the command: field 3 is the state, 14 and 15 the times, 20 the number of threads, 22 the start
    // time.
    const std::vector<std::string_view> fields = split(text.substr(command_end + 2), ' ');
    constexpr std::size_t state_field = 3 - 3, user_field = 14 - 3, system_field = 15 - 3,
                          threads_field = 20 - 3, start_field = 22 - 3;
    constexpr std::uint64_t ms_per_tick = 10;  // USER_HZ is 100 wherever bulkhead runs
    if (fields.size() <= start_field || fields[state_field].size() != 1) return std::nullopt;
    const auto start_time = parse_decimal<std::uint64_t>(fields[start_field]);
    const auto threads = parse_decimal<unsigned>(fields[threads_field]);
    const auto user = parse_decimal<std::uint64_t>(fields[user_field]);
    const auto system = parse_decimal<std::uint64_t>(fields[system_field]);
    if (!start_time || !threads || !user || !system) return std::nullopt;
    return ProcessStatus{fields[state_field][0], *start_time, *threads, (*user + *system) * ms_per_tick};
}

std::optional<ProcessStatus> process_status(pid_t pid) {
    const auto text = read_kernel_file(sys::here, cat("/proc/", pid, "/stat"));
    return text ? parse_stat(*text) : std::nullopt;
}

std::string left_to_init(pid_t pid) {
    const auto text = read_kernel_file(sys::here, cat("/proc/", pid, "/status"));
    const auto field = [&](std::string_view name) {
        for (const std::string_view line : split(text ? std::string_view(*text) : std::string_view(), '\n'))
            if (line.starts_with(name)) return line.substr(name.size());
        return std::string_view();
    };
    const std::string_view state = field("State:\t").substr(0, 1), tracer = field("TracerPid:\t");
    const std::string who = cat("process ", pid, " is left to init of the host: ");
    const std::string held =
        tracer.empty() || tracer == "0" ? "" : cat("process ", tracer, ", which traces it, ");
    if (state == "Z" && !held.empty()) return cat(who, "it has ended, and ", held, "does not let go of it");
    if (!held.empty()) return cat(who, held, "keeps it from ending");
    return cat(who, "it was killed, and does not end (state ", state.empty() ? "unknown" : state, ')');
}

std::uint64_t pidfd_inode(int pidfd) {
    const auto type = sys::filesystem_type(pidfd);
    if (!type || *type != kernel::pidfs_magic) return 0;
    const auto status = sys::status_of(pidfd);
    return status ? status->st_ino : 0;
}

std::optional<Fd> open_same_process(pid_t pid, std::uint64_t start_time, std::uint64_t inode) {
    if (pid <= 0) return std::nullopt;
    auto process = sys::open_process(pid);
    if (!process) return std::nullopt;
    if (inode != 0 && pidfd_inode(process->number()) != inode) return std::nullopt;
    // The status is read after the pidfd was opened: if the process is the right one now, the pidfd is its
    // own.
    const auto status = process_status(pid);
    if (!status || status->start_time != start_time || !status->alive()) return std::nullopt;
    return std::move(*process);
}

std::optional<Fd> open_init(const State& state) {
    return open_same_process(state.pid, state.start_time, state.pidfd_inode);
}

Result<Fd> open_own_cgroup(const State& state) {
    if (state.cgroup_inode == 0) return Fd();
    LET(const Fd hierarchy, cgroups::open_hierarchy(state.cgroup_mount));
    auto group = cgroups::open(hierarchy.number(), state.cgroup_path);
    if (!group && group.error().kind == Kind::not_found) return Fd();
    if (!group) return group;
    LET(const struct stat status, sys::status_of(group->number()));
    if (status.st_ino != state.cgroup_inode) return Fd();
    return group;
}

}  // namespace bulkhead::runtime
