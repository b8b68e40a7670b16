// SPDX-License-Identifier: Apache-2.0
// Plans the device rules. Pure.
#pragma once

#include <span>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// Host lane: AttachDeviceFilter, only if the runtime is really root: otherwise the kernel refuses the filter,
// and every mknod as well. Errors: those of device_program.
Result<> plan_device_filter(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> rules,
                            const plan::HostFacts& host);

// Host lane: ReplaceDeviceFilter for a container that was created with the rules `created` (and may have been
// updated since). The rules in `wanted` replace all current rules; an empty list changes nothing.
Result<> plan_device_update(plan::TimelineBuilder& timeline, std::span<const spec::DeviceRule> created,
                            std::span<const spec::DeviceRule> wanted, const plan::HostFacts& host);

}  // namespace bulkhead::cgroups
