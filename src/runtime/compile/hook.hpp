// SPDX-License-Identifier: Apache-2.0
// From the hooks of a spec to timelines: each hook's birth is one (config.md, "POSIX-platform Hooks"). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "runtime/compile/compile.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

// What hooks need beside the spec.
struct HookOptions {
    std::string bundle;                         // absolute
    std::string root;                           // absolute
    bool has_cgroup = true;                     // of the container
    std::vector<plan::Birthplace> otherwise{};  // if the kernel refuses that one
    bool new_keyring = true;                    // for a process in the container
    std::optional<plan::JoinRdtGroup> rdt{};    // of the container
    std::optional<seccomp::Program> filter;     // of linux.seccomp, for those of startContainer
};

bool has_hooks(const spec::ValidSpec& spec, plan::HookKind kind);

// True if some hooks run before pivot_root.
bool has_early_hooks(const spec::ValidSpec& spec);
// True if some hooks run in `start` or `delete`.
bool has_later_hooks(const spec::ValidSpec& spec);

// The hooks of one kind. Errors: those of compile_exec, for startContainer, whose hooks are held to the
// process's policy.
Result<plan::RunHooks> compile_hooks(plan::HookKind kind, const HookOptions& options,
                                     const spec::ValidSpec& spec, const plan::HostFacts& host);

// The same as a timeline of one step; of none if there are no hooks.
Result<plan::Timeline> compile_hook_run(plan::HookKind kind, const HookOptions& options,
                                        const spec::ValidSpec& spec, const plan::HostFacts& host);

struct HookStreams {
    plan::Slot input;
    plan::Slot output;
};
// Host lane, before SPAWN.
HookStreams plan_hook_streams(plan::TimelineBuilder& timeline);

}  // namespace bulkhead::runtime
