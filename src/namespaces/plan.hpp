// SPDX-License-Identifier: Apache-2.0
// Which namespaces are made, and what is done in a new one. Pure.
#pragma once

#include <cstdint>

#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::namespaces {

// CLONE_NEW* for SPAWN: every new namespace of the config but the cgroup namespace.
std::uint64_t clone_flags(const spec::ValidSpec& spec);

// Init lane, first thing: the cgroup namespace, and `lo` in a new network namespace.
void plan_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane: host name and domain name.
void plan_names(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// A new one of this type is asked for.
bool is_new(const spec::ValidSpec& spec, spec::NamespaceType type);

}  // namespace bulkhead::namespaces
