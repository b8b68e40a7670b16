// SPDX-License-Identifier: Apache-2.0
#include "cli/request.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace bulkhead::cli {

namespace {

constexpr int last_signal = 64;

// SIGRTMIN and above have no abbreviation in glibc, and IO, which runc calls by that name, is its POLL.
int signal_called(std::string_view name) {
    if (name == "IO") return SIGIO;
    for (int number = 1; number < 32; ++number) {
        const char* abbreviation = ::sigabbrev_np(number);
        if (abbreviation != nullptr && name == abbreviation) return number;
    }
    return -1;
}

std::string upper(std::string_view text) {
    std::string raised(text);
    for (char& letter : raised)
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    return raised;
}

struct Action {
    std::string_view name;
    int value;
};

constexpr std::array actions{
    Action{"ENOMEM", ENOMEM},
    Action{"ENOSYS", ENOSYS},
    Action{"EPERM", EPERM},
    Action{"kill", plan::Fault::killed},
};

}  // namespace

Result<int> parse_signal(std::string_view word) {
    const auto number = parse_decimal<unsigned>(word);
    if (number && *number <= last_signal) return static_cast<int>(*number);
    std::string name = upper(word);
    if (name.starts_with("SIG")) name.erase(0, 3);
    const int named = number ? -1 : signal_called(name);
    if (named < 0) return fail(Kind::usage, "unknown signal ", quoted(word));
    return named;
}

Result<plan::Fault> parse_fault(std::string_view word) {
    if (word.empty()) return plan::Fault{};
    const std::size_t colon = word.find(':');
    const auto step = parse_decimal<std::uint16_t>(word.substr(0, colon));
    if (step && colon != std::string_view::npos)
        for (const Action& action : actions)
            if (word.substr(colon + 1) == action.name) return plan::Fault{*step, action.value};
    return fail(Kind::usage, "--fault ", quoted(word),
                ": must be STEP:EPERM, STEP:ENOSYS, STEP:ENOMEM or STEP:kill");
}

bool is_layer_directory(std::string_view path) {
    return path.starts_with('/') && std::ranges::count(split(path, '/'), std::string_view("..")) == 0;
}

Result<std::vector<std::string>> parse_directories(std::string_view flag, std::string_view list) {
    std::vector<std::string> directories;
    if (list.empty()) return directories;
    for (const std::string_view directory : split(list, ':')) {
        if (!is_layer_directory(directory))
            return fail(Kind::usage, flag, ' ', quoted(list), ": ", quoted(directory), ": ",
                        layer_directory_rule);
        directories.emplace_back(directory);
    }
    return directories;
}

namespace {

// A flag replaces the whole list of bulkhead.yaml, which has one list for each of the two grants.
Result<rootfs::OverlayGrants> overlay_grants(const Options& options) {
    rootfs::OverlayGrants grants;
    LET(grants.lower, parse_directories("--overlay-from", options.overlay_from));
    LET(grants.upper, parse_directories("--overlay-upper-from", options.overlay_upper_from));
    const Defaults& defaults = options.defaults;
    if (defaults.overlay_from && !options.overlay_from_given) grants.lower = *defaults.overlay_from;
    if (defaults.overlay_upper_from && !options.overlay_upper_from_given)
        grants.upper = *defaults.overlay_upper_from;
    return grants;
}

}  // namespace

Result<runtime::CreateRequest> create_request(const Options& options, std::string id, const Caller& caller) {
    LET(const plan::Fault fault, parse_fault(options.fault));
    LET(rootfs::OverlayGrants grants, overlay_grants(options));
    const Defaults& defaults = options.defaults;
    if (options.systemd_cgroup && options.cgroup_manager == "disabled")
        return fail(Kind::usage, "--systemd-cgroup and --cgroup-manager disabled contradict each other");
    return runtime::CreateRequest{
        .id = std::move(id),
        .bundle = options.bundle,
        .pid_file = options.pid_file,
        .console_socket = options.console_socket,
        .pidfd_socket = options.pidfd_socket,
        .trace_file = options.trace,
        .preserve_fds = options.preserve_fds,
        .listen_fds = caller.listen_fds,
        .listen_names = caller.listen_names,
        .notify_socket = caller.notify_socket,
        .overlay_grants = std::move(grants),
        .no_pivot = options.no_pivot,
        .rootless = options.rootless == "auto" ? std::nullopt : std::optional(options.rootless == "true"),
        .no_cgroup = options.cgroup_manager == "disabled",
        .systemd = options.systemd_cgroup || options.cgroup_manager == "systemd",
        .systemd_unless_named = !options.manager_given && defaults.cgroup_manager == "systemd",
        .buses = {caller.system_bus, caller.session_bus, caller.runtime_directory},
        .no_new_keyring = options.no_new_keyring,
        .detach = options.detach,
        .keep = options.keep,
        .no_subreaper = options.no_subreaper,
        .fault = fault,
    };
}

Result<std::string> parse_cgroup(const std::vector<std::string>& given) {
    if (given.empty()) return std::string();
    const std::string& path = given.front();
    const std::size_t colon = path.find(':');
    if (colon != std::string::npos)
        return fail(Kind::usage, "invalid --cgroup argument: ", quotable(path), " (no controller ",
                    quoted(path.substr(0, colon)), ": cgroup v2 has one hierarchy for all)");
    if (given.size() > 1)
        return fail(Kind::usage, "invalid --cgroup argument: ", quotable(given[1]),
                    " (cgroup v2 has one hierarchy, so a process has one cgroup)");
    return path;
}

Result<runtime::ExecRequest> exec_request(const Options& options, const std::vector<std::string>& operands) {
    LET(const plan::Fault fault, parse_fault(options.fault));
    LET(std::string cgroup, parse_cgroup(options.cgroups));
    // runc takes "" for absent, and then a script with an unset variable runs the program as root.
    if (options.user_given && options.user.empty())
        return fail(Kind::usage, "--user: is empty; must be UID or UID:GID");
    return runtime::ExecRequest{
        .id = operands.front(),
        .process_file = options.process,
        .pid_file = options.pid_file,
        .console_socket = options.console_socket,
        .pidfd_socket = options.pidfd_socket,
        .trace_file = options.trace,
        .cgroup = std::move(cgroup),
        .preserve_fds = options.preserve_fds,
        .detach = options.detach,
        .ignore_paused = options.ignore_paused,
        .changes =
            {
                .args = {operands.begin() + 1, operands.end()},
                .terminal = options.tty,
                .cwd = options.cwd,
                .env = options.env,
                .user = options.user,
                .additional_gids = options.additional_gids,
                .capabilities = options.capabilities,
                .no_new_privileges = options.no_new_privileges,
                .process_label = options.process_label,
                .apparmor = options.apparmor,
            },
        .fault = fault,
    };
}

}  // namespace bulkhead::cli
