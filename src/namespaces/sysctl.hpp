// SPDX-License-Identifier: Apache-2.0
// Plans linux.sysctl. Pure.
#pragma once

#include <string>

#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::namespaces {

// Init lane, after OpenProcfs and before any mount of the config, inside all namespaces: one step for each
// parameter, ordered by name.
void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// The reason why a joined namespace of this type must not be the runtime's own, because the host's parameter
// would be set: "sysctl "net.ipv4.ip_forward" not allowed in host network namespace". Empty: it may be.
std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type);

}  // namespace bulkhead::namespaces
