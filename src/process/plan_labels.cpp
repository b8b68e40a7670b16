// SPDX-License-Identifier: Apache-2.0
// Plans labels of security modules, the keyring, scheduling and personality.
#include <linux/ioprio.h>

#include "process/plan.hpp"

namespace bulkhead::process {

using plan::TimelineBuilder;

namespace {

constexpr const char* apparmor_pointer = "/process/apparmorProfile";
constexpr const char* selinux_pointer = "/process/selinuxLabel";

void plan_label(TimelineBuilder& timeline, std::string_view module, std::string_view attribute,
                std::string_view value, std::string pointer) {
    timeline.init(plan::SetLabel{timeline.text(module), timeline.text(attribute), timeline.text(value)},
                  std::move(pointer));
}

std::unexpected<Error> refuse(std::string_view pointer, std::string_view value, std::string_view reason) {
    return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(value), ": ", reason);
}

// The enumerators have the kernel's numbers (sched(7); SCHED_ISO has a number and no code).
void plan_scheduler(TimelineBuilder& timeline, const spec::Scheduler& wish) {
    std::uint64_t flags = 0;
    for (const spec::SchedulerFlag flag : wish.flags) flags |= static_cast<std::uint64_t>(flag);
    timeline.init(plan::SetScheduler{.policy = static_cast<std::uint32_t>(wish.policy),
                                     .nice = wish.nice,
                                     .priority = static_cast<std::uint32_t>(wish.priority),
                                     .reserved = 0,
                                     .flags = flags,
                                     .runtime = wish.runtime,
                                     .deadline = wish.deadline,
                                     .period = wish.period},
                  "/process/scheduler");
}

// The enumerators have the kernel's numbers (set_mempolicy(2)).
Result<> plan_memory_policy(TimelineBuilder& timeline, const spec::MemoryPolicy& wish) {
    std::uint32_t mode = static_cast<std::uint32_t>(wish.mode);
    for (const spec::MemoryPolicyFlag flag : wish.flags) mode |= static_cast<std::uint32_t>(flag);
    LET(const auto nodes, node_mask(wish.nodes, "/linux/memoryPolicy/nodes"));
    timeline.init(plan::SetMemoryPolicy{mode, timeline.numbers(nodes)}, "/linux/memoryPolicy");
    return {};
}

}  // namespace

bool needs_procfs(const spec::ValidSpec& spec) {
    return !spec.process().apparmor_profile.empty() || !spec.process().selinux_label.empty();
}

void plan_keyring(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    const std::string& label = spec.process().selinux_label;
    // execve clears the attribute, so it labels no later keyring.
    if (!label.empty()) plan_label(timeline, "selinux", "keycreate", label, selinux_pointer);
    timeline.init(plan::JoinKeyring{});
}

Result<> plan_labels(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host) {
    const spec::Process& process = spec.process();
    if (const std::string& profile = process.apparmor_profile; !profile.empty()) {
        if (!host.apparmor)
            return refuse(apparmor_pointer, profile, "apparmor: config provided but apparmor not supported");
        plan_label(timeline, "apparmor", "exec", cat("exec ", profile), apparmor_pointer);
    }
    if (const std::string& label = process.selinux_label; !label.empty()) {
        if (!host.selinux)
            return refuse(selinux_pointer, label,
                          "selinux label is specified in config, but selinux is disabled or not supported");
        plan_label(timeline, "selinux", "exec", label, selinux_pointer);
    }
    return {};
}

Result<> plan_scheduling(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    const spec::Process& process = spec.process();
    if (process.scheduler) plan_scheduler(timeline, *process.scheduler);
    if (const auto& wish = process.io_priority)
        timeline.init(plan::SetIoPriority{static_cast<std::uint32_t>(
                          IOPRIO_PRIO_VALUE(static_cast<int>(wish->io_class), wish->priority))},
                      "/process/ioPriority");
    if (const auto& wish = spec->linux.memory_policy) TRY(plan_memory_policy(timeline, *wish));
    if (const auto& wish = spec->linux.personality)
        timeline.init(plan::SetPersonality{static_cast<std::uint32_t>(wish->domain)}, "/linux/personality");
    return {};
}

}  // namespace bulkhead::process
