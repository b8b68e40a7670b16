// SPDX-License-Identifier: Apache-2.0
// start, state, list, kill and delete: find the container, ask the lifecycle's rule, act.
#include "runtime/container.hpp"

#include <fcntl.h>
#include <signal.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "cgroups/group.hpp"
#include "runtime/compile.hpp"
#include "runtime/notify_socket.hpp"
#include "runtime/observe.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"
#include "runtime/run.hpp"

namespace bulkhead::runtime {

using lifecycle::Rule;
using lifecycle::Status;
using lifecycle::Verb;

namespace {

std::unexpected<Error> refusal(Rule rule, const std::string& id, Status status) {
    const Kind kind = rule == Rule::does_not_exist ? Kind::not_found : Kind::bad_state;
    if (rule == Rule::not_stopped)
        return fail(kind, "cannot delete container ", id, " that is not stopped: ", lifecycle::word(status));
    return fail(kind, lifecycle::words(rule), ": ", id);
}

std::string state_directory(const Site& site, const std::string& id) { return cat(site.root, '/', id); }

// A timeline of host steps on a container that exists.
Result<> walk(const plan::Timeline& timeline, Found found) {
    Workshop workshop;
    workshop.state = std::move(found.state);
    workshop.directory = std::move(found.directory);
    return run(timeline, workshop);
}

// ---- views ----------------------------------------------------------------------------------------------

// The name of a user of the host, from the text of passwd(5); "#uid" where there is none. Without NSS: the
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

void append_entry(Listing& listing, const Site& site, const std::string& id) {
    if (!check_id(id)) return;  // not ours
    const auto found = find(site, id);
    if (!found) {
        listing.warnings.push_back(cat("container ", id, ": ", found.error().text));
    } else if (visible(found->status)) {
        listing.containers.push_back(view_of(*found));
        listing.containers.back().owner = owner_of(found->directory);
    }
}

// ---- kill -----------------------------------------------------------------------------------------------

// Without a pid namespace of its own, init does not take the others with it.
Result<> kill_cgroup(const State& state) {
    if (state.cgroup_path.empty())
        return fail(
            Kind::unsupported, "container ", state.id,
            ": it has neither a cgroup nor a pid namespace of its own, so not all of it can be killed");
    LET(const Fd group, open_own_cgroup(state));
    return group ? cgroups::kill_all(group.number()) : Result<>();
}

Result<> signal_init(const State& state, int signal) {
    const auto init = open_same_process(state.pid, state.start_time);
    if (!init) return fail(Kind::bad_state, lifecycle::words(Rule::not_running), ": ", state.id);
    auto sent = sys::signal_process(init->number(), signal);
    if (!sent && sent.error().err == ESRCH)
        return fail(Kind::bad_state, lifecycle::words(Rule::not_running), ": ", state.id);
    return sent;
}

// ---- start ----------------------------------------------------------------------------------------------

Result<ReadinessRelay> listen_for_readiness(const Found& found, const std::string& notify_socket) {
    if (notify_socket.empty()) return ReadinessRelay();
    LET(ReadinessRelay readiness, ReadinessRelay::to(notify_socket));
    auto socket = renew_notify_socket(found.directory.number());
    if (!socket)
        return std::unexpected(std::move(socket).error().under(
            "NOTIFY_SOCKET is set, but was not when the container was created"));
    readiness.listen(std::move(*socket));
    return readiness;
}

// ---- delete ---------------------------------------------------------------------------------------------

// A creation that was killed in its very first steps: a directory without a record.
Result<> remove_leftover(const Site& site, const std::string& id, Found found) {
    LET(const bool making, being_made(found.directory.number()));
    if (making) return {};
    LET(const plan::Timeline timeline, compile_removal(state_directory(site, id), false));
    return walk(timeline, std::move(found));
}

// A runtime that was killed leaves its lock to the stage for the moment between clone3 and execve; whoever
// removes by force gives it that moment.
Result<Found> find_for_removal(const Site& site, const std::string& id, bool force) {
    constexpr int patience_ms = 1000, pause_ms = 2;
    LET(Found found, find_locked(site, id));
    for (int waited = 0; force && found.status == Status::creating && waited < patience_ms;
         waited += pause_ms) {
        sys::pause(pause_ms);
        found = Found{};
        LET(found, find_locked(site, id));
    }
    return found;
}

}  // namespace

Result<> start(const Site& site, const std::string& id, const std::string& notify_socket) {
    LET(Found found, find_locked(site, id));
    const Rule rule = lifecycle::rule(found.status, Verb::start);
    if (lifecycle::refuses(rule)) return refusal(rule, id, found.status);
    LET(const plan::Timeline timeline, compile_start());
    LET(ReadinessRelay readiness, listen_for_readiness(found, notify_socket));
    const pid_t pid = found.state.pid;
    const auto init = open_same_process(pid, found.state.start_time);
    TRY(walk(timeline, std::move(found)));
    return init ? readiness.until_done(*init, pid)
                : Result<>();  // the lock is gone: others may act meanwhile
}

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

Result<> kill(const Site& site, const std::string& id, int signal, bool all) {
    LET(const Found found, find_locked(site, id));
    const Rule rule = lifecycle::rule(found.status, Verb::kill, all);
    if (lifecycle::refuses(rule)) return refusal(rule, id, found.status);
    if (signal == SIGKILL && !found.state.private_pids) return kill_cgroup(found.state);
    if (rule == Rule::nothing_to_do) return {};
    return signal_init(found.state, signal);
}

Result<> remove(const Site& site, const std::string& id, bool force) {
    LET(Found found, find_for_removal(site, id, force));
    const Status status = found.status;
    const Rule rule = lifecycle::rule(status, Verb::remove, force);
    if (status == Status::removed && found.directory) {
        TRY(remove_leftover(site, id, std::move(found)));
        return force ? Result<>() : refusal(rule, id, status);
    }
    if (lifecycle::refuses(rule)) return refusal(rule, id, status);
    if (rule == Rule::nothing_to_do) return {};
    // A stopped init may leave others in the cgroup; by force they go, too.
    const bool kill = force || rule == Rule::kill_first || !found.state.private_pids || found.state.pid == 0;
    LET(const plan::Timeline timeline, compile_removal(state_directory(site, id), kill));
    return walk(timeline, std::move(found));
}

}  // namespace bulkhead::runtime
