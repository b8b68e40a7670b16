// SPDX-License-Identifier: Apache-2.0
// linux.resources (config-linux.md, "Control groups"), a part of spec.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::spec {

enum class DeviceRuleType : std::uint8_t { all, block, character };  // a b c

struct DeviceRule {
    bool allow = false;
    DeviceRuleType type = DeviceRuleType::all;
    std::optional<std::uint32_t> major;  // absent (or -1 in JSON, as engines write it): every one
    std::optional<std::uint32_t> minor;
    std::string access;  // of the letters r, w, m
};

struct Memory {  // bytes; -1 is unlimited
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  // memory and swap together
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;
};

struct Cpu {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;  // microseconds, like the next two
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<std::int64_t> idle;
};

struct Pids {
    std::optional<std::int64_t> limit;
};

struct WeightDevice {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
};

struct ThrottleDevice {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::uint64_t rate = 0;
};

struct BlockIo {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
    std::vector<WeightDevice> weight_device;
    std::vector<ThrottleDevice> throttle_read_bps_device;
    std::vector<ThrottleDevice> throttle_write_bps_device;
    std::vector<ThrottleDevice> throttle_read_iops_device;
    std::vector<ThrottleDevice> throttle_write_iops_device;
};

struct HugepageLimit {
    std::string page_size;
    std::uint64_t limit = 0;
};

struct NetworkPriority {
    std::string name;
    std::uint32_t priority = 0;
};

struct Network {  // cgroup v1 only
    std::optional<std::uint32_t> class_id;
    std::vector<NetworkPriority> priorities;
};

struct Rdma {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;
};

struct Resources {
    std::vector<DeviceRule> devices;
    Memory memory;
    Cpu cpu;
    Pids pids;
    BlockIo block_io;
    std::vector<HugepageLimit> hugepage_limits;
    Network network;
    std::map<std::string, Rdma> rdma;            // by device
    std::map<std::string, std::string> unified;  // cgroup v2 file -> text
};

}  // namespace bulkhead::spec
