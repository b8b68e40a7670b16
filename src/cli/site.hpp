// SPDX-License-Identifier: Apache-2.0
// The place of the states, and the caller's environment.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::cli {

struct Caller {
    std::string runtime_directory;  // XDG_RUNTIME_DIR; empty as good as unset (podman, for root)
    bool is_root = false;
    bool in_user_namespace = false;
    unsigned listen_fds = 0;       // LISTEN_FDS, if LISTEN_PID is ours (sd_listen_fds(3))
    std::string listen_names;      // LISTEN_FDNAMES
    std::string notify_socket;     // NOTIFY_SOCKET (sd_notify(3))
    std::string system_bus;        // DBUS_SYSTEM_BUS_ADDRESS
    std::string session_bus;       // DBUS_SESSION_BUS_ADDRESS
    std::string config_directory;  // XDG_CONFIG_HOME
    std::string home;              // HOME
};

Caller look_at_caller();

// By the id map of /proc/self/uid_map.
bool in_initial_user_namespace();

// True if the caller has directories of its own, and does not use those of the machine's root.
bool has_own_places(const Caller& caller);

// The same root for all verbs of one caller, whatever else is in its environment.
std::string default_root(const Caller& caller);

// --root made absolute and clean; `/` is refused.
Result<runtime::Site> site_of(const Options& options, const Caller& caller);

}  // namespace bulkhead::cli
