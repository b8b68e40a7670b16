// SPDX-License-Identifier: Apache-2.0
#include "spec/checks.hpp"

namespace bulkhead::spec {

Result<> process_is_there(const Spec& spec) {
    // The standard asks for it at start; create already needs the environment and the program, as in runc.
    if (!spec.process) return refuse("/process", "process property must not be empty");
    return {};
}

Result<> cwd_is_absolute(const Spec& spec) {
    const std::string& cwd = spec.process->cwd;
    if (cwd.empty()) return refuse("/process/cwd", "Cwd property must not be empty");
    if (!is_absolute(cwd)) return refuse("/process/cwd", cwd, "Cwd must be an absolute path");
    return {};
}

Result<> args_name_a_program(const Spec& spec) {
    if (spec.process->args.empty()) return refuse("/process/args", "args must not be empty");
    return {};
}

Result<> env_entries_have_names(const Spec& spec) {
    for (std::size_t i = 0; const std::string& entry : spec.process->env) {
        const std::string pointer = cat("/process/env/", i++);
        const std::size_t equals = entry.find('=');
        if (equals == entry.npos)
            return refuse(pointer, cat("invalid environment variable: ", quoted(entry)));
        if (equals == 0)
            return refuse(pointer, cat("environment variable name can't be empty: ", quoted(entry)));
    }
    return {};
}

Result<> rlimits_are_distinct(const Spec& spec) {
    // config.md: an error. runc lets the last one win, or fails with EPERM where the first lowered the hard
    // one.
    std::uint32_t seen = 0;
    for (std::size_t i = 0; const Rlimit& rlimit : spec.process->rlimits) {
        const std::uint32_t bit = 1U << rlimit.resource;
        if (seen & bit)
            return refuse(cat("/process/rlimits/", i, "/type"), rlimit.name, "duplicated rlimit type");
        seen |= bit;
        ++i;
    }
    return {};
}

Result<> rlimits_are_ordered(const Spec& spec) {
    for (std::size_t i = 0; const Rlimit& rlimit : spec.process->rlimits) {
        if (rlimit.soft > rlimit.hard)
            return refuse(cat("/process/rlimits/", i, "/soft"), rlimit.soft,
                          cat("is above the hard limit ", rlimit.hard, " of ", rlimit.name));
        ++i;
    }
    return {};
}

namespace {

Result<> is_subset(std::string_view name, const std::vector<std::string>& set, std::string_view outer_name,
                   const std::vector<std::string>& outer) {
    for (std::size_t i = 0; const std::string& capability : set) {
        if (std::ranges::find(outer, capability) == outer.end())
            return refuse(
                cat("/process/capabilities/", name, "/", i), capability,
                cat("unable to apply caps: not in the ", outer_name, " set, the kernel would refuse it"));
        ++i;
    }
    return {};
}

}  // namespace

// What capset(2) refuses with EPERM, and only that: runc fails late on these two, and takes permitted
// capabilities that are not in the bounding set as well as ambient ones that are not inheritable.
Result<> capabilities_fit_together(const Spec& spec) {
    if (!spec.process->capabilities) return {};
    const Capabilities& sets = *spec.process->capabilities;
    TRY(is_subset("effective", sets.effective, "permitted", sets.permitted));
    return is_subset("inheritable", sets.inheritable, "bounding", sets.bounding);
}

Result<> scheduler_fits_its_policy(const Spec& spec) {
    if (!spec.process->scheduler) return {};
    const Scheduler& wish = *spec.process->scheduler;
    const bool realtime = wish.policy == SchedulerPolicy::fifo || wish.policy == SchedulerPolicy::rr;
    const bool timed = wish.runtime != 0 || wish.deadline != 0 || wish.period != 0;
    if (wish.nice < -20 || wish.nice > 19)
        return refuse("/process/scheduler/nice", cat("invalid scheduler.nice: ", wish.nice));
    if (wish.priority < 0 || wish.priority > 99)
        return refuse("/process/scheduler/priority", wish.priority, "must be from 0 to 99");
    if (wish.priority != 0 && !realtime)
        return refuse("/process/scheduler/priority", wish.priority,
                      "scheduler.priority can only be specified for SchedFIFO or SchedRR policy");
    if (timed && wish.policy != SchedulerPolicy::deadline)
        return refuse("/process/scheduler",
                      "scheduler runtime/deadline/period can only be specified for SchedDeadline policy");
    return {};
}

Result<> io_priority_is_in_range(const Spec& spec) {
    if (!spec.process->io_priority) return {};
    const std::int32_t priority = spec.process->io_priority->priority;
    if (priority < 0 || priority > 7)
        return refuse("/process/ioPriority/priority", cat("invalid ioPriority.Priority: ", priority));
    return {};
}

Result<> cpu_affinity_is_a_list(const Spec& spec) {
    if (!spec.process->exec_cpu_affinity) return {};
    const ExecCpuAffinity& affinity = *spec.process->exec_cpu_affinity;
    const auto is_list = [](std::string_view text) {
        return text.find_first_not_of("0123456789,- ") == text.npos;
    };
    constexpr std::string_view reason = "must be a list of CPUs such as 0-3,7";
    if (!is_list(affinity.initial))
        return refuse("/process/execCPUAffinity/initial", affinity.initial, reason);
    if (!is_list(affinity.final)) return refuse("/process/execCPUAffinity/final", affinity.final, reason);
    return {};
}

}  // namespace bulkhead::spec
