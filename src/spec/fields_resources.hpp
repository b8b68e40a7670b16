// SPDX-License-Identifier: Apache-2.0
// The tables of linux.resources (config-linux.md, "Control groups").
#pragma once

#include "spec/reader.hpp"

namespace bulkhead::spec {

// -1 is every number: in the standard that is "unset", but engines write -1 as they did for cgroup v1.
inline Result<std::optional<std::uint32_t>> read_device_number(json::Value value) {
    if (value.whole<std::int32_t>(-1, -1)) return std::nullopt;
    return read<std::uint32_t>(value);
}

inline Result<DeviceRuleType> read_rule_type(json::Value value) {
    LET(const auto type, read_unless_empty<DeviceRuleType>(value));
    return type.value_or(DeviceRuleType::all);
}

template <>
inline constexpr auto fields<DeviceRule> = std::array{
    field<&DeviceRule::allow>("allow", Need::required),
    field<&DeviceRule::type, read_rule_type>("type"),
    field<&DeviceRule::major, read_device_number>("major"),
    field<&DeviceRule::minor, read_device_number>("minor"),
    field<&DeviceRule::access>("access"),
};

template <>
inline constexpr auto fields<Memory> = std::array{
    field<&Memory::limit>("limit"),
    field<&Memory::reservation>("reservation"),
    field<&Memory::swap>("swap"),
    field<&Memory::kernel>("kernel"),
    field<&Memory::kernel_tcp>("kernelTCP"),
    field<&Memory::swappiness>("swappiness"),
    field<&Memory::disable_oom_killer>("disableOOMKiller"),
    field<&Memory::use_hierarchy>("useHierarchy"),
    field<&Memory::check_before_update>("checkBeforeUpdate"),
};

template <>
inline constexpr auto fields<Cpu> = std::array{
    field<&Cpu::shares>("shares"),
    field<&Cpu::quota>("quota"),
    field<&Cpu::burst>("burst"),
    field<&Cpu::period>("period"),
    field<&Cpu::realtime_runtime>("realtimeRuntime"),
    field<&Cpu::realtime_period>("realtimePeriod"),
    field<&Cpu::cpus>("cpus"),
    field<&Cpu::mems>("mems"),
    field<&Cpu::idle>("idle"),
};

template <>
inline constexpr auto fields<Pids> = std::array{field<&Pids::limit>("limit")};

template <>
inline constexpr auto fields<WeightDevice> = std::array{
    field<&WeightDevice::major>("major", Need::required),
    field<&WeightDevice::minor>("minor", Need::required),
    field<&WeightDevice::weight>("weight"),
    field<&WeightDevice::leaf_weight>("leafWeight"),
};

template <>
inline constexpr auto fields<ThrottleDevice> = std::array{
    field<&ThrottleDevice::major>("major", Need::required),
    field<&ThrottleDevice::minor>("minor", Need::required),
    field<&ThrottleDevice::rate>("rate", Need::required),
};

template <>
inline constexpr auto fields<BlockIo> = std::array{
    field<&BlockIo::weight>("weight"),
    field<&BlockIo::leaf_weight>("leafWeight"),
    field<&BlockIo::weight_device>("weightDevice"),
    field<&BlockIo::throttle_read_bps_device>("throttleReadBpsDevice"),
    field<&BlockIo::throttle_write_bps_device>("throttleWriteBpsDevice"),
    field<&BlockIo::throttle_read_iops_device>("throttleReadIOPSDevice"),
    field<&BlockIo::throttle_write_iops_device>("throttleWriteIOPSDevice"),
};

template <>
inline constexpr auto fields<HugepageLimit> = std::array{
    field<&HugepageLimit::page_size>("pageSize", Need::required),
    field<&HugepageLimit::limit>("limit", Need::required),
};

template <>
inline constexpr auto fields<NetworkPriority> = std::array{
    field<&NetworkPriority::name>("name", Need::required),
    field<&NetworkPriority::priority>("priority", Need::required),
};

template <>
inline constexpr auto fields<Network> = std::array{
    field<&Network::class_id>("classID"),
    field<&Network::priorities>("priorities"),
};

template <>
inline constexpr auto fields<Rdma> = std::array{
    field<&Rdma::hca_handles>("hcaHandles"),
    field<&Rdma::hca_objects>("hcaObjects"),
};

template <>
inline constexpr auto fields<Resources> = std::array{
    field<&Resources::devices>("devices"),  field<&Resources::memory>("memory"),
    field<&Resources::cpu>("cpu"),          field<&Resources::pids>("pids"),
    field<&Resources::block_io>("blockIO"), field<&Resources::hugepage_limits>("hugepageLimits"),
    field<&Resources::network>("network"),  field<&Resources::rdma>("rdma"),
    field<&Resources::unified>("unified"),
};

}  // namespace bulkhead::spec
