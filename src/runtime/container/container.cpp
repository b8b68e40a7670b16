// SPDX-License-Identifier: Apache-2.0
// state, list and delete: find the container, ask the lifecycle's rule, act.
#include "runtime/container/container.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/container/later_hooks.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/container/remains.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {

using lifecycle::Rule;
using lifecycle::Status;
using lifecycle::Verb;

namespace {

std::string state_directory(const Site& site, const std::string& id) { return cat(site.root, '/', id); }

// A timeline of host steps on a container that exists. Returns its warnings.
Result<std::vector<std::string>> walk(const plan::Timeline& timeline, Found found) {
    ExecutionContext context;
    context.record.state = std::move(found.state);
    context.record.directory = std::move(found.directory);
    TRY(walk(timeline, context));
    return std::move(context.walk.warnings);
}

// ---- views ----------------------------------------------------------------------------------------------

// The name of a user of the host, from the text of passwd(5); "#uid" if there is none. Without NSS: the
// static binary loads nothing.
std::string user_name(std::string_view passwd, uid_t uid) {
    for (const std::string_view line : split(passwd, '\n')) {
        const std::vector<std::string_view> fields = split(line, ':');
        if (fields.size() >= 3 && parse_decimal<uid_t>(fields[2]) == uid) return std::string(fields[0]);
    }
    return cat('#', uid);
}

std::string owner_of(const Fd& directory) {
    constexpr std::size_t passwd_limit = 1 << 20;
    const auto status = sys::status_of(directory.number());
    if (!status) return {};
    const auto passwd = read_file_at(sys::here, "/etc/passwd", passwd_limit);
    return user_name(passwd ? std::string_view(*passwd) : std::string_view(), status->st_uid);
}

View view_of(const Found& found) {
    const bool alive = found.status != Status::stopped;
    return {.id = found.state.id,
            .pid = alive ? found.state.pid : 0,
            .status = found.status,
            .bundle = found.state.bundle,
            .rootfs = found.state.rootfs,
            .created = found.state.created,
            .annotations = found.state.annotations,
            .owner = {}};
}

bool visible(Status status) { return status != Status::removed && status != Status::creating; }

// A damaged record shows its id and owner only, because the rest may not be true.
View damaged_view(const std::string& id, std::string why) {
    View view;
    view.id = id;
    view.damage = std::move(why);
    return view;
}

void append_entry(Listing& listing, const Site& site, const std::string& id) {
    if (!check_id(id)) return;  // not ours
    const auto found = find_even_damaged(site, id);
    if (!found) {
        listing.warnings.push_back(cat("container ", id, ": ", found.error().text));
    } else if (visible(found->status)) {
        listing.containers.push_back(found->damage ? damaged_view(id, found->damage->text) : view_of(*found));
        listing.containers.back().owner = owner_of(found->directory);
    }
}

// ---- delete ---------------------------------------------------------------------------------------------

// A creation that was killed in its very first steps: a directory without a record.
Result<> remove_leftover(const Site& site, const std::string& id, Found found) {
    LET(const bool making, being_made(found.directory.number()));
    if (making) return {};
    LET(const plan::Timeline timeline, compile_removal(state_directory(site, id), false));
    TRY(walk(timeline, std::move(found)));
    return {};
}

// A runtime that was killed leaves its lock to the stage for the moment between clone3 and execve; `delete
// --force` waits for that moment.
Result<Found> find_for_removal(const Site& site, const std::string& id, bool force) {
    constexpr int patience_ms = 1000, pause_ms = 2;
    LET(Found found, find_locked_even_damaged(site, id));
    for (int waited = 0; force && found.status == Status::creating && waited < patience_ms;
         waited += pause_ms) {
        sys::pause(pause_ms);
        found = Found{};
        LET(found, find_locked_even_damaged(site, id));
    }
    return found;
}

// Hooks get the state of a container, and this one may not be true. So poststop hooks do not run.
Result<Made> remove_damaged(const Site& site, const std::string& id, Found found) {
    LET(Proven made, proven(found));
    LET(const plan::Timeline timeline, compile_removal(state_directory(site, id), true, made.state));
    made.warnings.insert(made.warnings.begin(), damaged(id, *std::move(found.damage)).text);
    if (made.state.later_hooks) made.warnings.emplace_back("its poststop hooks do not run");
    found.state = std::move(made.state);
    LET(const std::vector<std::string> further, walk(timeline, std::move(found)));
    made.warnings.insert(made.warnings.end(), further.begin(), further.end());
    return Made{.warnings = std::move(made.warnings)};
}

// A stopped init may leave other processes in the cgroup; --force ends these, too.
Result<Made> remove_found(const Site& site, const std::string& id, Found found, bool kill, bool force) {
    Proven made{found.state, {}};
    if (force) {
        LET(made, with_cgroup_found(found.state));
    }
    const DeleteHooks hooks = hooks_of_delete(found.directory.number(), made.state);
    LET(const plan::Timeline timeline, compile_removal(state_directory(site, id), kill, made.state));
    found.state = made.state;
    LET(const std::vector<std::string> further, walk(timeline, std::move(found)));
    std::ranges::copy(further, std::back_inserter(made.warnings));
    std::ranges::move(run_poststop(hooks, made.state), std::back_inserter(made.warnings));
    return Made{.warnings = std::move(made.warnings)};
}

}  // namespace

Result<View> state(const Site& site, const std::string& id) {
    LET(const Found found, find(site, id));
    if (!visible(found.status)) return refusal(Rule::does_not_exist, id, found.status);
    return view_of(found);
}

Result<Listing> list(const Site& site) {
    Listing listing;
    const auto root = open_root(site);
    if (!root && root.error().kind == Kind::not_found && !site.root_is_explicit) return listing;
    if (!root) return std::unexpected(root.error());
    LET(const std::vector<std::string> ids, names_in(root->number()));
    for (const std::string& id : ids) append_entry(listing, site, id);
    return listing;
}

Result<Made> remove(const Site& site, const std::string& id, bool force) {
    LET(Found found, find_for_removal(site, id, force));
    const Status status = found.status;
    if (found.damage && !force) {
        Error error = damaged(id, *std::move(found.damage));
        error.text.append("; delete --force removes it");
        return std::unexpected(std::move(error));
    }
    const Rule rule = lifecycle::rule(status, Verb::remove, force);
    if (status == Status::removed && found.directory) {
        TRY(remove_leftover(site, id, std::move(found)));
        if (!force) return refusal(rule, id, status);
        return Made{};
    }
    if (lifecycle::refuses(rule)) return refusal(rule, id, status);
    if (rule == Rule::nothing_to_do) return Made{};
    if (found.damage) return remove_damaged(site, id, std::move(found));
    const bool kill = force || rule == Rule::kill_first || !found.state.private_pids || found.state.pid == 0;
    return remove_found(site, id, std::move(found), kill, force);
}

}  // namespace bulkhead::runtime
