// SPDX-License-Identifier: Apache-2.0
// The tables that config.json is read by: root, mounts, hooks, linux and the document itself. The process,
// resources and seccomp tables have files of their own.
#pragma once

#include "spec/fields_process.hpp"
#include "spec/fields_resources.hpp"
#include "spec/fields_seccomp.hpp"
#include "spec/reader.hpp"

namespace bulkhead::spec {

template <>
inline constexpr auto fields<Root> = std::array{
    field<&Root::path>("path"),
    field<&Root::readonly>("readonly"),
};

template <>
inline constexpr auto fields<IdMapping> = std::array{
    field<&IdMapping::container_id>("containerID", Need::required),
    field<&IdMapping::host_id>("hostID", Need::required),
    field<&IdMapping::size>("size", Need::required),
};

template <>
inline constexpr auto fields<Mount> = std::array{
    field<&Mount::destination>("destination"),
    field<&Mount::type>("type"),
    field<&Mount::source>("source"),
    field<&Mount::options>("options"),
    field<&Mount::uid_mappings>("uidMappings"),
    field<&Mount::gid_mappings>("gidMappings"),
};

template <>
inline constexpr auto fields<Hook> = std::array{
    field<&Hook::path>("path"),
    field<&Hook::args>("args"),
    field<&Hook::env>("env"),
    field<&Hook::timeout>("timeout"),
};

template <>
inline constexpr auto fields<Hooks> = std::array{
    field<&Hooks::prestart>("prestart"),
    field<&Hooks::create_runtime>("createRuntime"),
    field<&Hooks::create_container>("createContainer"),
    field<&Hooks::start_container>("startContainer"),
    field<&Hooks::poststart>("poststart"),
    field<&Hooks::poststop>("poststop"),
};

template <>
inline constexpr auto fields<Namespace> = std::array{
    field<&Namespace::type>("type", Need::required),
    field<&Namespace::path>("path"),
};

template <>
inline constexpr auto fields<TimeOffset> = std::array{
    field<&TimeOffset::secs>("secs"),
    field<&TimeOffset::nanosecs, read_whole<std::uint32_t, 0, 999'999'999>>("nanosecs"),
};

template <>
struct Reader<std::map<Clock, TimeOffset>> {
    static Result<std::map<Clock, TimeOffset>> read(json::Value value) {
        LET(const auto named, (spec::read<std::map<std::string, TimeOffset>>(value)));
        std::map<Clock, TimeOffset> offsets;
        for (const auto& [name, offset] : named) {
            const auto clock = meaning<Clock>(name);
            if (!clock)
                return value.find(name)->refuse("clock does not exist: must be one of boottime monotonic");
            offsets.emplace(*clock, offset);
        }
        return offsets;
    }
};

template <>
inline constexpr auto fields<Device> = std::array{
    field<&Device::type>("type", Need::required),
    field<&Device::path>("path", Need::required),
    field<&Device::major>("major"),
    field<&Device::minor>("minor"),
    field<&Device::file_mode>("fileMode"),
    field<&Device::uid, read_id>("uid"),
    field<&Device::gid, read_id>("gid"),
};

template <>
inline constexpr auto fields<NetDevice> = std::array{field<&NetDevice::name>("name")};

template <>
inline constexpr auto fields<IntelRdt> = std::array{
    field<&IntelRdt::clos_id>("closID"),
    field<&IntelRdt::schemata>("schemata"),
    field<&IntelRdt::l3_cache_schema>("l3CacheSchema"),
    field<&IntelRdt::mem_bw_schema>("memBwSchema"),
    field<&IntelRdt::enable_monitoring>("enableMonitoring"),
};

template <>
inline constexpr auto fields<Personality> = std::array{
    field<&Personality::domain>("domain", Need::required),
    field<&Personality::flags>("flags"),
};

template <>
inline constexpr auto fields<MemoryPolicy> = std::array{
    field<&MemoryPolicy::mode>("mode", Need::required),
    field<&MemoryPolicy::nodes>("nodes"),
    field<&MemoryPolicy::flags>("flags"),
};

template <>
inline constexpr auto fields<Linux> = std::array{
    field<&Linux::namespaces>("namespaces"),
    field<&Linux::uid_mappings>("uidMappings"),
    field<&Linux::gid_mappings>("gidMappings"),
    field<&Linux::time_offsets>("timeOffsets"),
    field<&Linux::devices>("devices"),
    field<&Linux::net_devices>("netDevices"),
    field<&Linux::cgroups_path>("cgroupsPath"),
    field<&Linux::resources>("resources"),
    field<&Linux::seccomp>("seccomp"),
    field<&Linux::sysctl>("sysctl"),
    field<&Linux::rootfs_propagation, read_unless_empty<Propagation>>("rootfsPropagation"),
    field<&Linux::masked_paths>("maskedPaths"),
    field<&Linux::readonly_paths>("readonlyPaths"),
    field<&Linux::mount_label>("mountLabel"),
    field<&Linux::intel_rdt>("intelRdt"),
    field<&Linux::personality>("personality"),
    field<&Linux::memory_policy>("memoryPolicy"),
};

// Semantic Versioning 2.0.0 with major version 1: "1.3.0", "1.0.2-dev", "1.2.0+build". Any 1.x document is
// good for any 1.y runtime (config.md, "Specification version").
Result<std::string> read_version(json::Value value);

template <>
inline constexpr auto fields<Spec> = std::array{
    field<&Spec::oci_version, read_version>("ociVersion", Need::required),
    field<&Spec::process>("process"),
    field<&Spec::root>("root"),
    field<&Spec::hostname>("hostname"),
    field<&Spec::domainname>("domainname"),
    field<&Spec::mounts>("mounts"),
    field<&Spec::hooks>("hooks"),
    field<&Spec::annotations>("annotations"),
    field<&Spec::linux>("linux"),
};

}  // namespace bulkhead::spec
