// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/exec_process.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace bulkhead::runtime {

namespace {

using Names = std::vector<std::string>;

void append_all(Names& names, const Names& more) { names.insert(names.end(), more.begin(), more.end()); }

void replace_if_given(std::string& value, const std::string& given) {
    if (!given.empty()) value = given;
}

template <class Value>
void fill_in(std::optional<Value>& given, const std::optional<Value>& own) {
    if (!given) given = own;
}

void fill_in(std::string& given, const std::string& own) {
    if (given.empty()) given = own;
}

// What User::uid can be. Go's Atoi and a conversion to 32 bits would take "+1" and make 4294967296 user 0
// (CVE-2024-40635 was of that kind); with a zero in front some read eight and some ten.
std::optional<std::uint32_t> parse_id(std::string_view text) {
    const auto id = parse_decimal<std::uint32_t>(text);
    const bool ambiguous = text.size() > 1 && text.front() == '0';
    if (!id || ambiguous || *id == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return id;
}

constexpr std::string_view id_grammar = "must be a decimal from 0 to 4294967294";

Result<std::uint32_t> id_of_user(std::string_view text, std::string_view what) {
    const auto id = parse_id(text);
    if (!id)
        return fail(Kind::usage, "parsing ", quotable(text), " as int for ", what, " failed: ", id_grammar);
    return *id;
}

Result<> change_user(spec::User& user, std::string_view text) {
    if (text.empty()) return {};
    const std::size_t colon = text.find(':');
    LET(user.uid, id_of_user(text.substr(0, colon), "uid"));
    if (colon == std::string_view::npos) return {};
    LET(user.gid, id_of_user(text.substr(colon + 1), "gid"));
    return {};
}

Result<> add_groups(spec::User& user, const Names& gids) {
    for (const std::string& gid : gids) {
        const auto id = parse_id(gid);
        if (!id) return fail(Kind::usage, "--additional-gids ", quoted(gid), ": ", id_grammar);
        user.additional_gids.push_back(*id);
    }
    return {};
}

// Never inheritable: programs with file capabilities would then hand them on (CVE-2022-29162). What is not
// inheritable cannot be ambient.
void add_capabilities(spec::Process& process, const Names& names) {
    if (names.empty()) return;
    if (!process.capabilities) process.capabilities.emplace();
    spec::Capabilities& sets = *process.capabilities;
    append_all(sets.bounding, names);
    append_all(sets.effective, names);
    append_all(sets.permitted, names);
    std::ranges::copy_if(names, std::back_inserter(sets.ambient), [&](const std::string& name) {
        return std::ranges::find(sets.inheritable, name) != sets.inheritable.end();
    });
}

}  // namespace

Result<spec::Process> changed_process(spec::Process process, const ProcessChanges& changes) {
    if (changes.args.empty()) return fail(Kind::usage, "process args cannot be empty");
    process.args = changes.args;
    if (!process.terminal)
        process.console_size
            .reset();  // without a terminal it had no meaning, so this process does not inherit it
    process.terminal = changes.terminal;
    replace_if_given(process.cwd, changes.cwd);
    append_all(process.env, changes.env);
    TRY(change_user(process.user, changes.user));
    TRY(add_groups(process.user, changes.additional_gids));
    add_capabilities(process, changes.capabilities);
    process.no_new_privileges = changes.no_new_privileges.value_or(process.no_new_privileges);
    replace_if_given(process.selinux_label, changes.process_label);
    replace_if_given(process.apparmor_profile, changes.apparmor);
    return process;
}

spec::Process completed_process(spec::Process given, const spec::Process& own) {
    fill_in(given.user.umask, own.user.umask);
    fill_in(given.capabilities, own.capabilities);
    if (given.rlimits.empty()) given.rlimits = own.rlimits;
    fill_in(given.apparmor_profile, own.apparmor_profile);
    fill_in(given.selinux_label, own.selinux_label);
    fill_in(given.oom_score_adj, own.oom_score_adj);
    fill_in(given.scheduler, own.scheduler);
    fill_in(given.io_priority, own.io_priority);
    fill_in(given.exec_cpu_affinity, own.exec_cpu_affinity);
    return given;
}

}  // namespace bulkhead::runtime
