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
Result<rootfs::OverlayGrants> overlay_grants(const BundleFlags& flags, const Defaults& defaults) {
    rootfs::OverlayGrants grants;
    LET(grants.lower, parse_directories("--overlay-from", flags.overlay_from.value_or("")));
    LET(grants.upper, parse_directories("--overlay-upper-from", flags.overlay_upper_from.value_or("")));
    if (defaults.overlay_from && !flags.overlay_from) grants.lower = *defaults.overlay_from;
    if (defaults.overlay_upper_from && !flags.overlay_upper_from) grants.upper = *defaults.overlay_upper_from;
    return grants;
}

// Everything that create, run and explain have in common.
Result<runtime::CreateRequest> bundle_request(const Options& options, const BundleFlags& flags,
                                              std::string id, const Caller& caller) {
    LET(const plan::Fault fault, parse_fault(flags.fault));
    LET(rootfs::OverlayGrants grants, overlay_grants(flags, options.defaults));
    const GlobalFlags& global = options.global;
    const std::string manager = global.cgroup_manager.value_or("cgroupfs");
    const bool systemd = global.systemd_cgroup.value_or(false);
    if (systemd && manager == "disabled")
        return fail(Kind::usage, "--systemd-cgroup and --cgroup-manager disabled contradict each other");
    runtime::CreateRequest request{.id = std::move(id), .bundle = flags.bundle};
    request.preserve_fds = flags.preserve_fds;
    request.listen_fds = caller.listen_fds;
    request.listen_names = caller.listen_names;
    request.notify_socket = caller.notify_socket;
    request.overlay_grants = std::move(grants);
    request.no_pivot = flags.no_pivot;
    if (global.rootless != "auto") request.rootless = global.rootless == "true";
    request.no_cgroup = manager == "disabled";
    request.systemd = systemd || manager == "systemd";
    request.systemd_unless_named =
        !options.names_a_cgroup_manager() && options.defaults.cgroup_manager == "systemd";
    request.buses = {caller.system_bus, caller.session_bus, caller.runtime_directory};
    request.no_new_keyring = flags.no_new_keyring;
    request.fault = fault;
    return request;
}

// For the requests of create, run and exec.
void take_places(auto& request, const CallerFlags& flags) {
    request.pid_file = flags.pid_file;
    request.console_socket = flags.console_socket;
    request.pidfd_socket = flags.pidfd_socket;
}

}  // namespace

Result<runtime::CreateRequest> create_request(const Options& options, const CreateFlags& flags,
                                              std::string id, const Caller& caller) {
    LET(runtime::CreateRequest request, bundle_request(options, flags, std::move(id), caller));
    take_places(request, flags);
    return request;
}

Result<runtime::CreateRequest> run_request(const Options& options, const RunFlags& flags, std::string id,
                                           const Caller& caller) {
    LET(runtime::CreateRequest request, bundle_request(options, flags, std::move(id), caller));
    take_places(request, flags);
    request.trace_file = flags.trace;
    request.detach = flags.detach;
    request.keep = flags.keep;
    request.no_subreaper = flags.no_subreaper;
    return request;
}

Result<runtime::CreateRequest> explain_request(const Options& options, const ExplainFlags& flags,
                                               std::string id, const Caller& caller) {
    return bundle_request(options, flags, std::move(id), caller);
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

Result<runtime::ExecRequest> exec_request(const ExecFlags& flags, const std::vector<std::string>& operands) {
    LET(const plan::Fault fault, parse_fault(flags.fault));
    LET(std::string cgroup, parse_cgroup(flags.cgroups));
    // runc takes "" for absent, and then a script with an unset variable runs the program as root.
    if (flags.user && flags.user->empty())
        return fail(Kind::usage, "--user: is empty; must be UID or UID:GID");
    runtime::ExecRequest request{.id = operands.front(), .process_file = flags.process};
    take_places(request, flags);
    request.trace_file = flags.trace;
    request.cgroup = std::move(cgroup);
    request.preserve_fds = flags.preserve_fds;
    request.detach = flags.detach;
    request.ignore_paused = flags.ignore_paused;
    request.changes = {
        .args = {operands.begin() + 1, operands.end()},
        .terminal = flags.tty,
        .cwd = flags.cwd,
        .env = flags.env,
        .user = flags.user.value_or(""),
        .additional_gids = flags.additional_gids,
        .capabilities = flags.capabilities,
        .no_new_privileges = flags.no_new_privileges,
        .process_label = flags.process_label,
        .apparmor = flags.apparmor,
    };
    request.fault = fault;
    return request;
}

}  // namespace bulkhead::cli
