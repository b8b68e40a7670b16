// SPDX-License-Identifier: Apache-2.0
// The verbs as use cases: lock, look, ask the lifecycle's rule, compile a timeline, run it. Every function is
// one runc command (runtime.md 1.3, "Operations"); the command line stays in src/cli.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cgroups/systemd/bus.hpp"
#include "plan/timeline.hpp"
#include "rootfs/overlay_grants.hpp"
#include "runtime/container/exec_process.hpp"
#include "runtime/record/lifecycle.hpp"
#include "spec/resources.hpp"

namespace bulkhead::runtime {

// What every verb needs to know.
struct Site {
    std::string root;               // where the states are kept: an absolute path
    bool root_is_explicit = false;  // --root was given: `list` then insists that it exists
};

// What `create` and `run` take from the command line. Paths may be relative to the current directory.
struct CreateRequest {
    std::string id;
    std::string bundle;  // empty: the current directory
    std::string pid_file;
    std::string console_socket;
    std::string pidfd_socket;
    std::string trace_file;  // run only: where the time of each step goes
    unsigned preserve_fds = 0;
    unsigned listen_fds = 0;    // socket activation (sd_listen_fds(3)): so many from 3 on, before those above
    std::string listen_names;   // LISTEN_FDNAMES
    std::string notify_socket;  // NOTIFY_SOCKET: the socket of the service manager that hears when the
                                // container is ready
    rootfs::OverlayGrants overlay_grants;
    bool no_pivot = false;
    std::optional<bool> rootless;       // none: true if the caller has no privileges
    bool no_cgroup = false;             // --cgroup-manager disabled
    bool systemd = false;               // systemd makes the cgroup
    bool systemd_unless_named = false;  // the same, but only of a config without linux.cgroupsPath
    cgroups::BusEnvironment buses{};
    bool no_new_keyring = false;
    bool detach = false;        // run only
    bool keep = false;          // run only: leave state and cgroup when the process has ended
    bool no_subreaper = false;  // run only
    plan::Fault fault;          // fault injection, for the tests
};

// What `exec` takes from the command line. Paths may be relative to the current directory.
struct ExecRequest {
    std::string id;
    std::string
        process_file;  // --process: a process object; else the container's own process, with `changes`
    std::string pid_file;
    std::string console_socket;
    std::string pidfd_socket;
    std::string trace_file;  // where the time of each step goes
    std::string cgroup;      // below the container's own
    unsigned preserve_fds = 0;
    bool detach = false;
    bool ignore_paused = false;
    ProcessChanges changes;
    plan::Fault fault;  // fault injection, for the tests
};

// What `update` takes from the command line: what is set in the resources changes, the rest stays.
struct UpdateRequest {
    std::string id;
    std::string where;  // of the resources, for messages: "config.json: /linux/resources" at `create`
    spec::Resources resources;
    std::vector<std::string> schemata{};  // of Intel RDT
    plan::Fault fault;                    // fault injection, for the tests
};

// A container as `state` and `list` show it.
struct View {
    std::string id;
    pid_t pid = 0;  // 0 if nothing runs
    lifecycle::Status status = lifecycle::Status::stopped;
    std::string bundle;
    std::string rootfs;
    std::string created;  // RFC 3339, UTC, nanoseconds
    std::map<std::string, std::string> annotations;
    std::string owner;  // user name, or "#uid"
    std::string
        damage;  // why its record cannot be believed: then only id and owner are known. Only of list()
};

struct Made {
    int exit_status = 0;  // of an attached run; else 0
    std::vector<std::string> warnings;
};

struct Listing {
    std::vector<View> containers;       // sorted by id
    std::vector<std::string> warnings;  // entries that could not be read, one sentence each
};

Result<Made> create(const Site& site, const CreateRequest& request);
Result<Made> run(const Site& site, const CreateRequest& request);
// A hook that fails takes the container away. With a socket of the caller it waits until the container is
// ready and says so there.
Result<> start(const Site& site, const std::string& id, const std::string& notify_socket = {});
Result<View> state(const Site& site, const std::string& id);
Result<Listing> list(const Site& site);
// Another process in a container, born with no more than the first one has. Returns its exit status, or 0 if
// it is left alone.
Result<Made> exec(const Site& site, const ExecRequest& request);
// signal: 0 (a test) to 64. all: to every process in its cgroup, and a stopped container is no error.
Result<> kill(const Site& site, const std::string& id, int signal, bool all);
// Changes limits of a container that is there, all of them or none. The warnings are of what cgroup v2 does
// not have.
Result<Made> update(const Site& site, const UpdateRequest& request);
// Freezes every process of the container, and returns when none runs any more.
Result<> pause(const Site& site, const std::string& id);
Result<> resume(const Site& site, const std::string& id);
// The processes in the container's cgroup and below, as the host counts; none in a stopped container.
Result<std::vector<pid_t>> processes(const Site& site, const std::string& id);
// The warnings are those of poststop hooks, which hold nothing up.
Result<Made> remove(const Site& site, const std::string& id, bool force);

// What `create` would do with the bundle, without doing it and without privilege.
Result<plan::Timeline> explain(const Site& site, const CreateRequest& request);

}  // namespace bulkhead::runtime
