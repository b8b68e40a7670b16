// SPDX-License-Identifier: Apache-2.0
// The id maps of a user namespace (user_namespaces(7)): their text, the process that may write them, and the
// ids that the container's first process takes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/spec.hpp"

namespace bulkhead::namespaces {

using Mappings = std::vector<spec::IdMapping>;

// The text for /proc/PID/uid_map: "containerID hostID size\n" for each mapping.
std::string map_text(const Mappings& mappings);

// Root of the container if it is mapped, else the first mapped id, because a process without an id in a user
// namespace owns nothing that it makes there.
plan::InnerIds inner_ids(const Mappings& uids, const Mappings& gids);

// True if an unprivileged runtime can write the maps without help: they map only its own ids.
bool writes_alone(const Mappings& uids, const Mappings& gids, std::uint32_t uid, std::uint32_t gid);

// The maps of a new user namespace if only newuidmap(1) and newgidmap(1) may write them for this runtime;
// empty if the runtime writes them alone.
std::optional<plan::IdMaps> maps_of_helpers(const spec::Linux& linux, const plan::HostFacts& host);

// Host lane: WriteIdMaps. Errors: a user namespace without maps.
Result<> plan_id_maps(plan::TimelineBuilder& timeline, const spec::Linux& linux, const plan::HostFacts& host);

}  // namespace bulkhead::namespaces
