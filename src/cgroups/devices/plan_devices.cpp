// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/plan_devices.hpp"

#include <cstring>

#include "cgroups/devices/devices.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr const char* pointer = "/linux/resources/devices";

bool has_filter(const plan::HostFacts& host) { return host.privileged && host.initial_user_namespace; }

bool same(std::span<const bpf_insn> one, std::span<const bpf_insn> other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size_bytes()) == 0;
}

}  // namespace

Result<> plan_device_filter(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> rules,
                            const plan::HostFacts& host) {
    if (!has_filter(host)) return {};
    LET(auto program, device_program(rules));
    timeline.host(plan::AttachDeviceFilter{std::move(program)}, pointer);
    return {};
}

Result<> plan_device_update(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> created,
                            std::span<const spec::DeviceRule> wanted, const plan::HostFacts& host) {
    if (wanted.empty() || !has_filter(host)) return {};
    LET(const auto first, device_program(created));
    LET(auto program, device_program(wanted));
    const bool as_created = same(first, program);
    timeline.host(plan::ReplaceDeviceFilter{std::move(program), as_created}, pointer);
    return {};
}

}  // namespace bulkhead::cgroups
