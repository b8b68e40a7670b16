// SPDX-License-Identifier: Apache-2.0
// Looks at the host once, before anything is planned.
#pragma once

#include "base/error.hpp"
#include "plan/host_facts.hpp"

namespace bulkhead::runtime {

// Needs no privilege. Kind::unsupported if there is no cgroup v2 or the kernel is older than 5.10.
Result<plan::HostFacts> probe();
// The same without a look at cgroups: for a process that joins a container, whose record has them.
Result<plan::HostFacts> probe_kernel();

}  // namespace bulkhead::runtime
