// SPDX-License-Identifier: Apache-2.0
// config.json as plain values: every property of the Linux part of the OCI runtime specification 1.3
// (config.md, config-linux.md), under its JSON name in snake_case. No behaviour and no JSON here: parse.hpp
// makes a Spec, validate.hpp makes a ValidSpec of it.
//
// A property is std::optional if its absence means something else than its zero value. An empty string,
// list or map means "not given" everywhere else. If the kernel has a number for a word, the enumerator
// has that number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/process.hpp"
#include "spec/profile.hpp"
#include "spec/resources.hpp"

namespace bulkhead::spec {

// Of the runtime-spec. read_version takes every 1.x, also newer ones than the implemented one.
inline constexpr const char* oldest_version = "1.0.0";
inline constexpr const char* implemented_version = "1.3.0";

// ---- config.md: root, mounts, hooks ----------------------------------------------------------------------

struct Root {
    std::string path;  // relative to the bundle, or absolute
    bool readonly = false;
};

struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

struct Mount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;  // words; the rootfs room knows their meaning
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
};

struct Hook {
    std::string path;
    std::vector<std::string> args;                // empty: argv is the path alone
    std::optional<std::vector<std::string>> env;  // the whole environment; none is an empty one
    std::optional<std::int64_t> timeout;          // seconds
};

struct Hooks {
    std::vector<Hook> prestart;  // deprecated by the standard, but nvidia and libnetwork still use it
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

// ---- config-linux.md: namespaces, devices -----------------------------------------------------------------

enum class NamespaceType : std::uint8_t { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
    NamespaceType type = NamespaceType::pid;
    std::string path;  // empty: a new one
};

enum class Clock : std::uint8_t { monotonic = 1, boottime = 7 };  // as in <linux/time.h>

struct TimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;
};

enum class DeviceType : std::uint8_t { block, character, unbuffered, fifo };  // b c u p; u is another c

struct Device {
    DeviceType type = DeviceType::character;
    std::string path;
    std::optional<std::uint32_t> major;  // needed except for a fifo
    std::optional<std::uint32_t> minor;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

struct NetDevice {
    std::string name;  // inside the container; empty: as on the host
};

// ---- config-linux.md: the rest ----------------------------------------------------------------------------

enum class Propagation : std::uint8_t {
    shared,
    rshared,
    slave,
    rslave,
    private_,
    rprivate,
    unbindable,
    runbindable,
};

struct IntelRdt {
    std::string clos_id;
    std::vector<std::string> schemata;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
    bool enable_monitoring = false;
};

enum class PersonalityDomain : std::uint8_t { native = 0, linux32 = 8 };  // LINUX, LINUX32

struct Personality {
    PersonalityDomain domain = PersonalityDomain::native;
    std::vector<std::string> flags;  // the standard has none
};

enum class MemoryPolicyMode : std::uint8_t {  // MPOL_*
    default_,
    preferred,
    bind,
    interleave,
    local,
    preferred_many,
    weighted_interleave,
};

enum class MemoryPolicyFlag : std::uint16_t {  // MPOL_F_*
    numa_balancing = 1 << 13,
    relative_nodes = 1 << 14,
    static_nodes = 1 << 15,
};

struct MemoryPolicy {
    MemoryPolicyMode mode = MemoryPolicyMode::default_;
    std::string nodes;
    std::vector<MemoryPolicyFlag> flags;
};

struct Linux {
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    std::map<Clock, TimeOffset> time_offsets;
    std::vector<Device> devices;
    std::map<std::string, NetDevice> net_devices;  // by their name on the host
    std::string cgroups_path;
    Resources resources;
    std::optional<Seccomp> seccomp;
    std::map<std::string, std::string> sysctl;
    std::optional<Propagation> rootfs_propagation;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
    std::optional<IntelRdt> intel_rdt;
    std::optional<Personality> personality;
    std::optional<MemoryPolicy> memory_policy;
};

struct Spec {
    std::string oci_version;
    std::optional<Process> process;
    std::optional<Root> root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    Linux linux;
};

}  // namespace bulkhead::spec
