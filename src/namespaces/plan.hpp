// SPDX-License-Identifier: Apache-2.0
// Decides which namespaces are made or joined, and in which order. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::namespaces {

// The slots of the namespaces to be joined: one place per entry of linux.namespaces, empty for a new
// namespace.
using Joins = std::vector<std::optional<plan::Slot>>;

// The moment at which `Respawn` happens. A process enters a pid namespace only by being born in it. Early:
// the stage makes the new namespaces itself. Late: the pid namespace has inhabitants, who must never see a
// process with more rights than theirs, so the stage gives up all privileges first.
enum class Birth : std::uint8_t { at_spawn, early, late };

// Host lane, before any namespace is entered: opens every namespace that is joined, and checks its type.
Joins plan_joins(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Host lane: `Spawn`. With `waits` the child waits for plan_preparation even if its namespaces do not need
// that. Errors: a caller without privileges and without a user namespace.
Result<> plan_spawn(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                    const Joins& joins, bool waits, std::vector<plan::Birthplace> otherwise = {});

// Host lane: writes the maps of a new user namespace and what only the host may write about the new process.
// Then a waiting child goes on.
Result<> plan_preparation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, bool waits);

// Both lanes: joins in an order that the kernel permits, new namespaces that clone3 did not make, clock
// offsets, an early `Respawn`.
void plan_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                const Joins& joins);

// Host lane, after plan_entry: moves network devices in. Init lane: `lo`. Errors: devices without privileges.
Result<> plan_network(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                      const plan::HostFacts& host, const Joins& joins);

// Init lane: sets host name and domain name.
void plan_names(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// The types of the config's namespaces, CLONE_NEW*.
std::uint64_t types_of(const spec::ValidSpec& spec);

// For FindInit: slots for namespaces that init's children are in and init itself is not. These are a new time
// namespace until execve, and with `unborn` the joined pid namespace, in which the stage is not born yet.
std::vector<plan::Inherited> namespaces_of_children(plan::TimelineBuilder& timeline,
                                                    const spec::ValidSpec& spec, bool unborn);

// Init lane: enters the namespaces of a container by the pidfd of its init (`flags`: CLONE_NEW*), and those
// of its children. In a user namespace the stage takes the ids that own what is in there.
void plan_container_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, const plan::FindInit& init, std::uint64_t flags);

Birth birth_of(const spec::ValidSpec& spec, const plan::HostFacts& host);

// True if the config asks for a new namespace of this type.
bool is_new(const spec::ValidSpec& spec, spec::NamespaceType type);

// True if setgroups(2) is denied in the container's user namespace: its maps are written without privileges.
bool denies_groups(const spec::ValidSpec& spec, const plan::HostFacts& host);

// True if a step of this room writes through the procfs of OpenProcfs.
bool writes_procfs(const spec::ValidSpec& spec);

// Init lane, after OpenProcfs and before any mount of the config, inside all namespaces: one step for each
// parameter, ordered by name.
void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// The reason why a joined namespace of this type must not be the runtime's own, because the host's parameter
// would be set: "sysctl "net.ipv4.ip_forward" not allowed in host network namespace". Empty: it may be.
std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type);

}  // namespace bulkhead::namespaces
