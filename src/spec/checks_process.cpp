// SPDX-License-Identifier: Apache-2.0
#include "spec/checks.hpp"

namespace bulkhead::spec {

Result<> cwd_is_absolute(const Spec& spec) {
    const std::string& cwd = spec.process->cwd;
    if (cwd.empty()) return refuse("/process/cwd", "Cwd property must not be empty");
    if (!is_absolute(cwd)) return refuse("/process/cwd", cwd, "Cwd must be an absolute path");
    return {};
}

// "Runtimes MUST ignore consoleSize if terminal is false or unset"; struct winsize has 16 bits.
Result<> console_size_fits_a_terminal(const Spec& spec) {
    if (!spec.process->terminal || !spec.process->console_size) return {};
    constexpr std::uint64_t highest = 65535;
    const ConsoleSize& size = *spec.process->console_size;
    for (const auto& [name, value] : {std::pair("height", size.height), std::pair("width", size.width)}) {
        const std::string pointer = cat("/process/consoleSize/", name);
        if (!value) return refuse(pointer, "is required");
        if (*value > highest) return refuse(pointer, *value, "must be a whole number from 0 to 65535");
    }
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
    // config.md: an error. runc lets the last one win, or fails with EPERM if the first lowered the hard one.
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

Result<> scheduler_fits_its_policy(const Spec& spec) {
    if (!spec.process->scheduler) return {};
    const Scheduler& wish = *spec.process->scheduler;
    const bool realtime = wish.policy == SchedulerPolicy::fifo || wish.policy == SchedulerPolicy::rr;
    if (wish.nice < -20 || wish.nice > 19)
        return refuse("/process/scheduler/nice", cat("invalid scheduler.nice: ", wish.nice));
    if (wish.priority < 0 || wish.priority > 99)
        return refuse("/process/scheduler/priority", wish.priority, "must be from 0 to 99");
    if (wish.priority != 0 && !realtime)
        return refuse("/process/scheduler/priority", wish.priority,
                      "scheduler.priority can only be specified for SchedFIFO or SchedRR policy");
    if (wish.policy == SchedulerPolicy::deadline) return {};
    const std::pair<std::string_view, std::uint64_t> times[] = {
        {"runtime", wish.runtime}, {"deadline", wish.deadline}, {"period", wish.period}};
    for (const auto& [name, value] : times)
        if (value != 0)
            return refuse(cat("/process/scheduler/", name), value,
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

namespace {

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

// "3" or "0-3"
bool is_range(std::string_view text) {
    const std::string_view range = trimmed(text);
    const std::size_t dash = range.find('-');
    const auto first = parse_decimal<unsigned>(range.substr(0, dash));
    const auto last = dash == range.npos ? first : parse_decimal<unsigned>(range.substr(dash + 1));
    return first && last && *first <= *last;
}

// The kernel refuses CPUs that the machine does not have.
bool is_list(std::string_view text) {
    return trimmed(text).empty() || std::ranges::all_of(split(text, ','), is_range);
}

}  // namespace

Result<> cpu_affinity_is_a_list(const Spec& spec) {
    if (!spec.process->exec_cpu_affinity) return {};
    const ExecCpuAffinity& affinity = *spec.process->exec_cpu_affinity;
    constexpr std::string_view reason = "must be a list of CPUs such as 0-3,7";
    if (!is_list(affinity.initial))
        return refuse("/process/execCPUAffinity/initial", affinity.initial, reason);
    if (!is_list(affinity.final)) return refuse("/process/execCPUAffinity/final", affinity.final, reason);
    return {};
}

}  // namespace bulkhead::spec
