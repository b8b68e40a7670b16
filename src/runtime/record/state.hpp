// SPDX-License-Identifier: Apache-2.0
// state.json: everything that is needed to find a container again and to remove all of it. It has no status,
// which is observed (lifecycle.hpp). It is written before the effects that it describes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/sys.hpp"

namespace bulkhead::runtime {

// A container's unit and the addresses of the systemd that has it. Later verbs may have no environment to
// find them in.
struct UnitRecord {
    std::string name;        // empty: none
    std::string invocation;  // the id of its start; empty: not known, the runtime was killed while it started
    std::vector<std::string> addresses;  // cgroups/systemd/bus.hpp
};

// A container's group of resctrl. The recorded inode tells if a directory is ours.
struct RdtRecord {
    std::string mount;        // of resctrl; empty: the container has no group
    std::string path;         // of the group
    bool shared = false;      // named by closID, or there before: it stays
    std::uint64_t inode = 0;  // 0: not ours, or the runtime was killed while it made it
    std::string monitoring;   // path of its group of monitoring; empty: none
    std::uint64_t monitoring_inode = 0;
};

struct State {
    std::string id;
    std::string bundle;   // absolute
    std::string rootfs;   // absolute
    std::string created;  // RFC 3339, UTC
    std::map<std::string, std::string> annotations;
    std::string cgroup_mount;
    std::string cgroup_path;
    std::uint64_t cgroup_inode = 0;  // 0: not known, the runtime was killed while it made it
    // Inodes of the cgroup and those below it, if somebody (but not systemd for us) had made it before: they
    // stay.
    std::vector<std::uint64_t> kept_cgroups;
    bool private_pids = true;       // it has a pid namespace of its own: killing init kills all
    bool new_keyring = true;        // what joins it later gets a session keyring of its own, too
    bool cgroup_optional = false;   // rootless: a process that may not enter the cgroup goes without
    std::string uid_map;            // of a user namespace with ids that the caller does not have:
    std::string gid_map;            // removal may need them; else empty
    bool later_hooks = false;       // start or delete have hooks to run, from the kept config
    sys::MountIdentity root_mount;  // of OpenRoot, on the host; 0: none, the container has its own mounts
    bool has_program = true;        // false: config.json has no process, and nothing can be started
    RdtRecord rdt{};                // of linux.intelRdt
    UnitRecord unit;                // of systemd, if that made the cgroup
    int notify_descriptor = 0;      // init's number of the notify socket, until `start`; 0: it has none
    pid_t pid = 0;                  // 0: not started yet
    std::uint64_t start_time = 0;   // of that pid, in clock ticks since boot (proc(5), field 22)
    std::uint64_t pidfd_inode = 0;  // of that process (process_identity.hpp); 0: the kernel has none
};

inline constexpr const char* state_file = "state.json";
inline constexpr const char* config_copy = "config.json";  // as it was at `create`
inline constexpr const char* fifo_file = "exec.fifo";
// Exists while a runtime makes the container; that runtime keeps it locked.
inline constexpr const char* creation_file = "creating";

inline constexpr int record_format = 3;         // of the text below
inline constexpr int record_format_before = 2;  // read as well: 0 and 1 for false and true

// Each property stands on its own line, so that one damaged byte costs one property (Remains).
std::string serialize(const State& state);
// Kind::invalid_config or Kind::unsupported: not a record, or one of another version. An unknown name is an
// error: it may be a known one with a wrong letter, whose property would be taken for absent.
Result<State> deserialize(std::string_view text);

// What is left of a damaged record, property by property. The kernel has to confirm each of them
// (remains.hpp).
struct Remains {
    State state;
    // True if the record tells whether others had made the cgroup before: the right line follows that of the
    // inode.
    bool tells_kept_cgroups = false;
};
Remains remains_of(std::string_view text);

Result<> save(int directory, const State& state);
// Kind::not_found if there is no record, Kind::invalid_config if something that cannot be a record has its
// place; all other errors are failures of the kernel, which tell nothing about the record.
Result<std::string> read_record(int directory);
Result<State> load(int directory);

// The config.json that the container was made from: later edits of the bundle's have no effect.
Result<> save_config(int directory, const std::string& text);
Result<std::string> load_config(int directory);

}  // namespace bulkhead::runtime
