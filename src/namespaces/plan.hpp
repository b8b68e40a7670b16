// SPDX-License-Identifier: Apache-2.0
// Which namespaces are made, joined, and in which order. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::namespaces {

// The descriptors of the namespaces to be joined: one place per entry of linux.namespaces, empty where a new
// one is made.
using Joins = std::vector<std::optional<plan::Slot>>;

// Where RESPAWN has to happen. A process enters a pid namespace only by being born in it: with the new ones
// when the stage itself makes them (early), or after all privileges are given up where the namespace has
// inhabitants, who shall never see a process that can more than they (late).
enum class Birth : std::uint8_t { at_spawn, early, late };

// Host lane, before anything is entered: opens every namespace that is joined, and checks its type.
Joins plan_joins(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Host lane: SPAWN. `waits`: the child waits for plan_preparation, also where it need not for its namespaces.
// Errors: a caller without privileges and without a user namespace.
Result<> plan_spawn(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                    const Joins& joins, bool waits, std::vector<plan::Birthplace> otherwise = {});

// Host lane: with a user namespace its maps, and what only the host may write about the new process. Then
// that one goes on, if it waits.
Result<> plan_preparation(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, bool waits);

// Both lanes: joins in an order that the kernel permits, new namespaces that clone3 did not make, clock
// offsets, an early RESPAWN.
void plan_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                const Joins& joins);

// Host lane, after plan_entry: network devices go in. Init lane: `lo`. Errors: devices without privileges.
Result<> plan_network(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                      const plan::HostFacts& host, const Joins& joins);

// Init lane: host name and domain name.
void plan_names(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Those of the config, CLONE_NEW*.
std::uint64_t types_of(const spec::ValidSpec& spec);

// Slots for the namespaces that are not init's own, but its children's: a new time namespace until execve,
// and for a stage that is not born yet in the pid namespace that it joins, that one. For FindInit.
std::vector<plan::Inherited> namespaces_of_children(plan::TimelineBuilder& timeline,
                                                    const spec::ValidSpec& spec, bool unborn);

// Init lane: into the namespaces of a container by the pidfd of its init, `flags` being CLONE_NEW*, and those
// of its children; in a user namespace with the ids that own what is in it.
void plan_container_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, const plan::FindInit& init, std::uint64_t flags);

Birth birth_of(const spec::ValidSpec& spec, const plan::HostFacts& host);

// A new one of this type is asked for.
bool is_new(const spec::ValidSpec& spec, spec::NamespaceType type);

// setgroups(2) is denied in the container's user namespace: its maps are written without privileges.
bool denies_groups(const spec::ValidSpec& spec, const plan::HostFacts& host);

// The steps write to procfs by OpenProcfs.
bool writes_procfs(const spec::ValidSpec& spec);

// Init lane, after OpenProcfs and before any mount of the config, inside all namespaces: one step a
// parameter, by name.
void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Why a joined namespace of this type must not be the runtime's own, where it would be the host's parameter
// that is set: "sysctl "net.ipv4.ip_forward" not allowed in host network namespace". Empty: it may.
std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type);

}  // namespace bulkhead::namespaces
