// SPDX-License-Identifier: Apache-2.0
// linux.sysctl. Pure.
#pragma once

#include <string>

#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::namespaces {

// Init lane, behind OpenProcfs and before any mount of the config, inside all namespaces: one step a
// parameter, by name.
void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Why a joined namespace of this type must not be the runtime's own, where it would be the host's parameter
// that is set: "sysctl "net.ipv4.ip_forward" not allowed in host network namespace". Empty: it may.
std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type);

}  // namespace bulkhead::namespaces
