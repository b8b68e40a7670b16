// SPDX-License-Identifier: Apache-2.0
// Which steps make the process of the config out of the stage. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::process {

// What a later step of the lane needs of an earlier one.
struct ProcessEnvironment {
    std::vector<std::string> environment;  // each name once
    plan::Text home;                       // HOME, which the stage fills; empty where the config gives one
};

// A step of this room writes through the procfs of OpenProcfs.
bool needs_procfs(const spec::ValidSpec& spec);

// Init lane, after OpenProcfs and before the credentials: a session keyring, labelled where the config has a
// label.
void plan_keyring(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane, after "go": working directory, HOME, resource limits (in this order: a limit of 3 descriptors
// leaves none to look around with). `extra` are variables of bulkhead's own, which replace those of the
// config.
ProcessEnvironment plan_environment(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                                    const std::vector<std::string>& extra = {});

// The same for a hook, whose environment is its own.
void plan_hook_environment(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane, after OpenProcfs: what the security modules shall say of the program. Errors: a label for a
// module that this machine does not have.
Result<> plan_labels(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

// Init lane, in the final cgroup and before plan_credentials: the CPUs of a list as execCPUAffinity has it;
// without one every CPU that the cgroup allows, whatever the runtime is confined to.
Result<> plan_affinity(plan::TimelineBuilder& timeline, const std::optional<std::string>& list);

// "0-3,7" as a mask of bits for sched_setaffinity(2), in whole longs; empty for an empty list.
// Kind::invalid_config names `pointer`.
Result<std::vector<std::uint32_t>> cpu_mask(std::string_view list, std::string_view pointer);

// The same of memory nodes, for set_mempolicy(2).
Result<std::vector<std::uint32_t>> node_mask(std::string_view list, std::string_view pointer);

// Init lane, in the final cgroup, whose cpuset.mems bounds a memory policy, and before the credentials:
// scheduler, I/O priority, memory policy, personality. Errors: nodes that are no list.
Result<> plan_scheduling(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// What other rooms have decided and credentials depend on.
struct Circumstances {
    bool groups_denied = false;   // the user namespace says "deny" to setgroups(2) (user_namespaces(7))
    bool filter_follows = false;  // a seccomp filter is loaded after the credentials
};

// Init lane: labels and scheduling, then every privilege given up that the config does not grant. Errors:
// those of plan_labels, and additional groups where they are denied.
Result<> plan_credentials(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, const Circumstances& circumstances);

// Init lane, after the credentials: the program, looked for as the user who will run it. Returns the last
// step of the lane, which the caller appends where the program shall start.
plan::Execute plan_search(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const ProcessEnvironment& found);

// The same for a hook: `path` is executed with just these arguments and this environment.
plan::Execute plan_hook_program(plan::TimelineBuilder& timeline, const std::string& path,
                                const std::vector<std::string>& arguments,
                                const std::vector<std::string>& environment, std::string pointer);

// A sentence for each capability that plan_credentials leaves out of all sets, because it cannot be granted.
std::vector<std::string> capability_warnings(const spec::ValidSpec& spec, const plan::HostFacts& host);

}  // namespace bulkhead::process
