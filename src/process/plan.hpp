// SPDX-License-Identifier: Apache-2.0
// Plans the steps that turn the stage into the process of the config. Pure.
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

// The results of earlier steps of the lane that later ones need.
struct ProcessEnvironment {
    std::vector<std::string> environment;  // each name once
    plan::Text home;                       // HOME, which the stage fills; empty if the config sets it
};

// True if a step of this room writes through the procfs of OpenProcfs.
bool needs_procfs(const spec::ValidSpec& spec);

// Init lane, after OpenProcfs and before the credentials: a session keyring, labelled if the config has a
// label.
void plan_keyring(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane, after "go": working directory, HOME, resource limits (in this order, because a limit of 3
// descriptors leaves none to look around with). `extra` are bulkhead's own variables, which replace those of
// the config.
ProcessEnvironment plan_environment(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                                    const std::vector<std::string>& extra = {});

// The same for a hook, which has its own environment.
void plan_hook_environment(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Init lane, after OpenProcfs: the program's labels of the security modules. Errors: a label for a module
// that this machine does not have.
Result<> plan_labels(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                     const plan::HostFacts& host);

// Init lane, in the final cgroup and before plan_credentials: sets the CPUs of a list in the form of
// execCPUAffinity. Without a list it sets every CPU of the cgroup, whatever the runtime is confined to.
Result<> plan_affinity(plan::TimelineBuilder& timeline, const std::optional<std::string>& list);

// "0-3,7" as a mask of bits for sched_setaffinity(2), in whole longs; empty for an empty list.
// Kind::invalid_config names `pointer`.
Result<std::vector<std::uint32_t>> cpu_mask(std::string_view list, std::string_view pointer);

// The same for memory nodes and set_mempolicy(2).
Result<std::vector<std::uint32_t>> node_mask(std::string_view list, std::string_view pointer);

// Init lane, in the final cgroup, whose cpuset.mems bounds a memory policy, and before the credentials:
// scheduler, I/O priority, memory policy, personality. Errors: nodes that are no list.
Result<> plan_scheduling(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec);

// Decisions of other rooms that the credentials depend on.
struct Circumstances {
    bool groups_denied = false;   // the user namespace has "deny" for setgroups(2) (user_namespaces(7))
    bool filter_follows = false;  // a seccomp filter is loaded after the credentials
};

// Init lane: sets labels and scheduling, then gives up every privilege that the config does not grant.
// Errors: those of plan_labels, and additional groups if they are denied.
Result<> plan_credentials(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const plan::HostFacts& host, const Circumstances& circumstances);

// Init lane, after the credentials: looks for the program as the user who will run it. Returns the last step
// of the lane, which the caller appends at the place where the program starts.
plan::Execute plan_search(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec,
                          const ProcessEnvironment& found);

// The same for a hook: it executes `path` with these arguments and this environment alone.
plan::Execute plan_hook_program(plan::TimelineBuilder& timeline, const std::string& path,
                                const std::vector<std::string>& arguments,
                                const std::vector<std::string>& environment, std::string pointer);

// A sentence for each capability that plan_credentials leaves out of all sets because it cannot be granted.
std::vector<std::string> capability_warnings(const spec::ValidSpec& spec, const plan::HostFacts& host);

}  // namespace bulkhead::process
