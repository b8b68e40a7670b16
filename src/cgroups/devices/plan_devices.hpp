// SPDX-License-Identifier: Apache-2.0
// The device rules as steps. Pure.
#pragma once

#include <span>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// Host lane: AttachDeviceFilter. Only where the runtime is really root: elsewhere the kernel refuses the
// filter, and every mknod as well. Errors: those of device_program.
Result<> plan_device_filter(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> rules,
                            const plan::HostFacts& host);

// Host lane, for a container that was created with `created` (and may have been updated since):
// ReplaceDeviceFilter. The rules of `wanted` take the place of all that hold; none ask for nothing.
Result<> plan_device_update(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> created,
                            std::span<const spec::DeviceRule> wanted, const plan::HostFacts& host);

}  // namespace bulkhead::cgroups
