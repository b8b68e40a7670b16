// SPDX-License-Identifier: Apache-2.0
// The tables of the process object and its parts (config.md, "Process").
#pragma once

#include "spec/reader.hpp"

namespace bulkhead::spec {

template <>
inline constexpr auto fields<ConsoleSize> = std::array{
    field<&ConsoleSize::height>("height"),
    field<&ConsoleSize::width>("width"),
};

inline Result<std::vector<std::uint32_t>> read_ids(json::Value value) {
    if (!value.is(json::Type::array)) return value.refuse("must be a list");
    std::vector<std::uint32_t> ids;
    for (const json::Value element : value.children()) {
        LET(const std::uint32_t id, read_id(element));
        ids.push_back(id);
    }
    return ids;
}

template <>
inline constexpr auto fields<User> = std::array{
    field<&User::uid, read_id>("uid"),
    field<&User::gid, read_id>("gid"),
    field<&User::umask, read_whole<std::uint32_t, 0, 0777>>("umask"),
    field<&User::additional_gids, read_ids>("additionalGids"),
};

template <>
inline constexpr auto fields<Capabilities> = std::array{
    field<&Capabilities::bounding>("bounding"),   field<&Capabilities::effective>("effective"),
    field<&Capabilities::permitted>("permitted"), field<&Capabilities::inheritable>("inheritable"),
    field<&Capabilities::ambient>("ambient"),
};

// One word, two members: the kernel's number, and the name for reports.
inline Result<> set_rlimit_type(Rlimit& rlimit, json::Value value) {
    if (!value.is(json::Type::string)) return value.refuse("must be a string");
    const auto known = std::ranges::find(rlimit_names(), value.text(), &RlimitName::text);
    if (known == rlimit_names().end())
        return value.refuse(cat("wrong rlimit value: ", quotable(value.text())));
    rlimit.resource = known->meaning;
    rlimit.name = known->text;
    return {};
}

template <>
inline constexpr auto fields<Rlimit> = std::array{
    Field<Rlimit>{"type", set_rlimit_type, Need::required},
    field<&Rlimit::soft>("soft", Need::required),
    field<&Rlimit::hard>("hard", Need::required),
};

template <>
inline constexpr auto fields<Scheduler> = std::array{
    field<&Scheduler::policy>("policy", Need::required),
    field<&Scheduler::nice>("nice"),
    field<&Scheduler::priority>("priority"),
    field<&Scheduler::flags>("flags"),
    field<&Scheduler::runtime>("runtime"),
    field<&Scheduler::deadline>("deadline"),
    field<&Scheduler::period>("period"),
};

template <>
inline constexpr auto fields<IoPriority> = std::array{
    field<&IoPriority::io_class>("class", Need::required),
    field<&IoPriority::priority>("priority", Need::required),
};

template <>
inline constexpr auto fields<ExecCpuAffinity> = std::array{
    field<&ExecCpuAffinity::initial>("initial"),
    field<&ExecCpuAffinity::final>("final"),
};

template <>
inline constexpr auto fields<Process> = std::array{
    field<&Process::terminal>("terminal"),
    field<&Process::console_size>("consoleSize"),
    field<&Process::cwd>("cwd"),
    field<&Process::env>("env"),
    field<&Process::args>("args"),
    field<&Process::user>("user"),
    field<&Process::capabilities>("capabilities"),
    field<&Process::no_new_privileges>("noNewPrivileges"),
    field<&Process::rlimits>("rlimits"),
    field<&Process::apparmor_profile>("apparmorProfile"),
    field<&Process::selinux_label>("selinuxLabel"),
    field<&Process::oom_score_adj, read_whole<std::int32_t, -1000, 1000>>("oomScoreAdj"),
    field<&Process::scheduler>("scheduler"),
    field<&Process::io_priority>("ioPriority"),
    field<&Process::exec_cpu_affinity>("execCPUAffinity"),
};

}  // namespace bulkhead::spec
