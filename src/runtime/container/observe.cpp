// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/observe.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/ticking.hpp"
#include "base/waiting.hpp"
#include "cgroups/group/group.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr std::size_t id_limit = 255;  // NAME_MAX

bool id_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '.';
}

Result<Fd> check_root(Fd root, const Site& site) {
    LET(const struct stat status, sys::status_of(root.number()));
    if (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0)
        return fail(Kind::denied, "state root ", quoted(site.root), ": must belong to user ", ::geteuid(),
                    " and be writable for nobody else");
    return root;
}

// Somebody reads the exec fifo: init waits for `start`. A writer that finds no reader gets ENXIO, and a
// writer that writes nothing wakes nobody. A file that is no fifo always opens, which tells nothing.
bool start_awaited(int directory) {
    const auto fifo = sys::open_at(directory, fifo_file, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    const auto status = fifo ? sys::status_of(fifo->number()) : std::unexpected(fifo.error());
    return status && S_ISFIFO(status->st_mode);
}

// A cgroup that cannot be read counts as not frozen; the process in it decides the rest of the status.
bool frozen(const State& state) {
    const auto group = open_own_cgroup(state);
    return group && *group && cgroups::frozen(group->number()).value_or(false);
}

Result<lifecycle::Facts> look(int directory, const State& state) {
    lifecycle::Facts facts{.recorded = true};
    LET(facts.being_made, being_made(directory));
    if (facts.being_made) return facts;
    facts.init_alive = open_init(state).has_value();
    if (!facts.init_alive) return facts;
    facts.start_awaited = start_awaited(directory);
    facts.frozen = frozen(state);
    return facts;
}

// A record with another id (a damaged letter, a copied file) would make delete remove that other container.
Result<State> own_record(std::string_view text, const std::string& id) {
    LET(State state, deserialize(text));
    if (state.id == id) return state;
    return fail(Kind::invalid_config, state_file, ": /id: ", quoted(state.id), ": is another container's");
}

// A record of ours has the config beside it, which was written first. Without one it is the record of another
// runtime in the same root (all runtimes of Docker share one): not damaged, and not ours to remove.
bool is_ours(int directory) {
    return sys::status_at(directory, config_copy, AT_SYMLINK_NOFOLLOW).has_value();
}

// The record is damaged if something else than a file has its place, but not if the kernel fails to read it.
Result<> read_into(Found& found, const std::string& id) {
    const auto text = read_record(found.directory.number());
    const bool unreadable = !text && text.error().kind == Kind::invalid_config;
    if (!text && !unreadable) return std::unexpected(text.error());
    auto state = text ? own_record(*text, id) : std::unexpected(text.error());
    if (state) {
        found.state = std::move(*state);
        return {};
    }
    if (!is_ours(found.directory.number())) return std::unexpected(std::move(state).error());
    Remains remains = remains_of(text ? std::string_view(*text) : std::string_view());
    found.state = std::move(remains.state);
    found.state.id = id;
    found.tells_kept_cgroups = remains.tells_kept_cgroups;
    found.damage = std::move(state).error();
    return {};
}

Result<Found> examine(Fd directory, const std::string& id) {
    Found found{.directory = std::move(directory), .state = {}};
    auto read = read_into(found, id);
    if (!read && read.error().kind == Kind::not_found) return found;
    if (!read) return std::unexpected(std::move(read).error());
    LET(const lifecycle::Facts facts, look(found.directory.number(), found.state));
    found.status = lifecycle::observe(facts);
    found.start_awaited = facts.start_awaited;
    return found;
}

Result<Found> sound(Result<Found> found, const std::string& id) {
    if (found && found->damage) return std::unexpected(damaged(id, *std::move(found->damage)));
    return found;
}

// `run` publishes a container after its program has been executed. Somebody who hears of the container from
// the program may look here earlier. The stage of `create` waits at its fifo until the container is
// published.
bool about_to_exist(const Found& found) {
    return found.status == lifecycle::Status::creating && found.state.pid > 0 &&
           !sys::status_at(found.directory.number(), fifo_file, AT_SYMLINK_NOFOLLOW);
}

// Looks again while about_to_exist() holds. It keeps no lock meanwhile.
template <class Look>
Result<Found> settled(Look look) {
    constexpr int pause_ms = 1;
    for (const Deadline deadline(publication_patience_ms);; sys::pause(pause_ms)) {
        LET(Found found, look());
        if (!about_to_exist(found) || deadline.passed()) return found;
        TRY(sys::heed_interrupts());
    }
}

// The id's directory, or no descriptor if there is none.
Result<Fd> open_directory(const Site& site, const std::string& id) {
    TRY(check_id(id));
    auto root = open_root(site);
    if (!root && root.error().kind == Kind::not_found) return Fd();
    if (!root) return root;
    auto directory = sys::open_at(root->number(), id, directory_flags);
    if (!directory && directory.error().kind == Kind::not_found) return Fd();
    return directory;
}

}  // namespace

Result<> check_id(const std::string& id) {
    const bool well_formed =
        !id.empty() && id.size() <= id_limit && id != "." && id != ".." && std::ranges::all_of(id, id_letter);
    if (!well_formed)
        return fail(Kind::usage, "invalid container ID format: ", quoted(id),
                    " (1 to 255 of the letters A-Z a-z 0-9 _ + - .)");
    return {};
}

Result<Fd> open_root(const Site& site) {
    LET(Fd root, sys::open(site.root, O_RDONLY | O_DIRECTORY));
    return check_root(std::move(root), site);
}

Result<Fd> make_root(const Site& site) {
    if (auto root = open_root(site); root || root.error().kind != Kind::not_found) return root;
    for (std::size_t end = 1; end != std::string::npos;) {
        end = site.root.find('/', end + 1);
        const auto made = sys::make_directory_at(sys::here, site.root.substr(0, end), 0700);
        if (!made && made.error().kind != Kind::exists) return std::unexpected(made.error());
    }
    return open_root(site);
}

Result<bool> being_made(int directory) {
    const auto marker = sys::open_at(directory, creation_file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!marker) return false;
    LET(const bool free, sys::try_lock(marker->number(), LOCK_SH));
    return !free;
}

Error damaged(const std::string& id, Error why) {
    return std::move(why).under(cat("container ", id, ": its record is damaged"));
}

Result<Found> find_even_damaged(const Site& site, const std::string& id) {
    LET(Fd directory, open_directory(site, id));
    if (!directory) return Found{};
    return examine(std::move(directory), id);
}

Result<Found> find(const Site& site, const std::string& id) {
    return sound(settled([&] { return find_even_damaged(site, id); }), id);
}

Result<> lock_container(const Fd& directory, const std::string& id) {
    LET(const bool locked, lock_within(directory.number(), holder_patience_ms));
    if (locked) return {};
    return fail(Kind::kernel, "container ", id, ": its lock was not free within ", holder_patience_ms / 1000,
                " s");
}

Result<Found> find_locked_even_damaged(const Site& site, const std::string& id) {
    return settled([&]() -> Result<Found> {
        LET(Fd directory, open_directory(site, id));
        if (!directory) return Found{};
        TRY(lock_container(directory, id));
        LET(const struct stat status, sys::status_of(directory.number()));
        if (status.st_nlink == 0)
            return Found{};  // removed while we waited; the id may mean another container now
        return examine(std::move(directory), id);
    });
}

Result<Found> find_locked(const Site& site, const std::string& id) {
    return sound(find_locked_even_damaged(site, id), id);
}

}  // namespace bulkhead::runtime
