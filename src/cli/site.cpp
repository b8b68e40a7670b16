// SPDX-License-Identifier: Apache-2.0
#include "cli/site.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cli {

namespace {

// /a//b/./c/../d becomes /a/b/d, without looking at the disk, as Go's filepath.Clean does.
std::string clean(std::string_view path) {
    std::vector<std::string_view> kept;
    for (const std::string_view name : split(path, '/')) {
        if (name == ".." && !kept.empty()) kept.pop_back();
        if (!name.empty() && name != "." && name != "..") kept.push_back(name);
    }
    std::string cleaned;
    for (const std::string_view name : kept) cleaned.append(cat('/', name));
    return cleaned.empty() ? "/" : cleaned;
}

std::string variable(const char* name) {
    const char* value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
}

// Sockets are for the process that LISTEN_PID names: another that inherits the variables does not have the
// descriptors.
void take_service_variables(Caller& caller) {
    caller.notify_socket = variable("NOTIFY_SOCKET");
    if (parse_decimal<unsigned>(variable("LISTEN_PID")) != static_cast<unsigned>(::getpid())) return;
    caller.listen_fds = parse_decimal<unsigned>(variable("LISTEN_FDS")).value_or(0);
    caller.listen_names = variable("LISTEN_FDNAMES");
}

}  // namespace

// An id map of the whole range onto itself is the initial user namespace's.
bool in_initial_user_namespace() {
    const auto map = read_kernel_file(sys::here, "/proc/self/uid_map");
    return !map ||
           (map->find("4294967295") != std::string::npos && map->starts_with("         0          0"));
}

Caller look_at_caller() {
    Caller caller{.runtime_directory = variable("XDG_RUNTIME_DIR"), .is_root = ::geteuid() == 0};
    // Read only if the answer matters: root with XDG_RUNTIME_DIR, as in `sudo -E` or rootless podman.
    if (caller.is_root && !caller.runtime_directory.empty())
        caller.in_user_namespace = !in_initial_user_namespace();
    take_service_variables(caller);
    caller.system_bus = variable("DBUS_SYSTEM_BUS_ADDRESS");
    caller.session_bus = variable("DBUS_SESSION_BUS_ADDRESS");
    if (has_own_places(caller)) {
        caller.config_directory = variable("XDG_CONFIG_HOME");
        caller.home = variable("HOME");
    }
    return caller;
}

bool has_own_places(const Caller& caller) { return !caller.is_root || caller.in_user_namespace; }

std::string default_root(const Caller& caller) {
    const bool own = !caller.runtime_directory.empty() && has_own_places(caller);
    return own ? cat(caller.runtime_directory, "/bulkhead") : "/run/bulkhead";
}

Result<runtime::Site> site_of(const Options& options, const Caller& caller) {
    const std::optional<std::string>& given = options.global.root;
    if (given && given->empty()) return fail(Kind::usage, "--root: the path is empty");
    LET(const std::string path, absolute(given ? *given : default_root(caller)));
    const std::string root = clean(path);
    if (root == "/")
        return fail(Kind::usage, "--root: the root directory cannot hold the states of containers");
    return runtime::Site{root, given.has_value()};
}

}  // namespace bulkhead::cli
