// SPDX-License-Identifier: Apache-2.0
// From a valid spec to a timeline: the one place where the rooms meet. Pure. Read it top to bottom: it is the
// birth of a container, in order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "rootfs/overlay_grants.hpp"
#include "runtime/record/state.hpp"
#include "seccomp/program.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

// What `create` and `run` need beside the spec. All paths are absolute.
struct CreateOptions {
    std::string id;
    std::string bundle;
    std::string root;             // the root file system
    std::string state_directory;  // of this container
    std::string pid_file;         // the rest: empty if not asked for
    std::string console_socket;
    std::string pidfd_socket;
    unsigned preserve_fds = 0;                   // those of LISTEN_FDS among them
    std::vector<std::string> extra_environment;  // replaces variables of the config
    bool notify = false;                         // the container may say that it is ready
    bool new_keyring = true;
    bool await_start = true;  // create: stop before the program until `start`
    bool no_pivot = false;
    rootfs::OverlayGrants overlay_grants;    // where the directories of an overlay root may be
    std::optional<seccomp::Program> filter;  // of linux.seccomp
    bool cgroup_optional = false;            // rootless: no permission, no cgroup
    bool no_cgroup = false;                  // --cgroup-manager disabled
    bool systemd = false;                    // systemd makes the cgroup; HostFacts describe that systemd
};

// False: the container lives among the host's mounts, in a chroot.
bool has_mount_namespace(const spec::ValidSpec& spec);

// True for rootless callers and for root in a user namespace. Without the permission to make cgroups their
// containers have none, as with runc, unless the config names a cgroup or sets a limit, or systemd has to
// make it. A value that means "no limit" sets none.
bool may_go_without_cgroup(const CreateOptions& options, const spec::ValidSpec& spec);

// The container's cgroup below the hierarchy's root, from linux.cgroupsPath and the id. Empty if it has none.
// Errors: a host without cgroup v2 if the container needs a cgroup; a named cgroup with --cgroup-manager
// disabled.
Result<std::string> cgroup_path(const CreateOptions& options, const spec::ValidSpec& spec,
                                const plan::HostFacts& host);

// A hook as it is executed.
struct HookProgram {
    std::string path;               // absolute
    std::vector<std::string> args;  // empty: the path alone
    std::vector<std::string> env;   // all of it
    std::string pointer;            // of its entry in config.json
};

// What `exec` needs beside the spec. All paths are absolute.
struct ExecOptions {
    std::string pid_file;  // empty if not asked for, as the next two
    std::string console_socket;
    std::string pidfd_socket;
    std::string cgroup;  // below the container's
    bool has_cgroup = true;
    std::vector<plan::Birthplace> otherwise{};  // if the kernel refuses that one
    unsigned preserve_fds = 0;
    bool new_keyring = true;
    std::uint64_t namespaces = 0;  // CLONE_NEW*: those in which the container is not where the runtime is
    std::optional<seccomp::Program> filter;   // of linux.seccomp
    std::string status = "running";           // of the container
    std::optional<plan::JoinRdtGroup> rdt{};  // of linux.intelRdt
    std::optional<HookProgram> hook;          // this program, watched over, instead of the spec's
};

// The places where a further process may be born if the kernel refuses the container's cgroup, or the one
// below it that --cgroup names. systemd: the cgroup is that of a unit; optional: the container may go
// without.
std::vector<plan::Birthplace> birthplaces(bool systemd, bool optional, bool named = false);

// The step that puts a further process into the container's group of resctrl, if it has one.
std::optional<plan::JoinRdtGroup> rdt_entry(const State& state);

// A further process in a container, with the policy of `spec`, whose process it is. It gives up every
// privilege before it enters the container's pid namespace.
Result<plan::Timeline> compile_exec(const ExecOptions& options, const spec::ValidSpec& spec,
                                    const plan::HostFacts& host);

Result<plan::Timeline> compile_creation(const CreateOptions& options, const spec::ValidSpec& spec,
                                        const plan::HostFacts& host);
// programmed: waits until the program has been executed, for the hooks of poststart.
Result<plan::Timeline> compile_start(bool programmed = false);
// The changes of an `update`.
struct Changes {
    std::vector<plan::CgroupSetting> settings;
    std::vector<plan::UnitProperty> properties;  // of its unit, if it has one
    std::vector<std::string> schemata{};         // of its group of resctrl, each to be written alone
    std::vector<spec::DeviceRule> created;       // the device rules that it was created with
    std::vector<spec::DeviceRule> devices;       // the new rules; none: no change
};
// Errors: device rules that no program can be made of.
Result<plan::Timeline> compile_update(Changes changes, const State& state, const plan::HostFacts& host);
// kill: something in the container may still run. state: names everything else to remove.
Result<plan::Timeline> compile_removal(const std::string& state_directory, bool kill,
                                       const State& state = {});

}  // namespace bulkhead::runtime
