// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "base/patience.hpp"
#include "base/sys.hpp"
#include "base/ticking.hpp"
#include "cgroups/group.hpp"
#include "runtime/own_cgroup.hpp"
#include "runtime/process_identity.hpp"

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
// writer that writes nothing wakes nobody.
bool start_awaited(int directory) {
    return sys::open_at(directory, fifo_file, O_WRONLY | O_NONBLOCK | O_NOFOLLOW).has_value();
}

// A cgroup that cannot be read is not frozen as far as anyone can tell; the process in it decides the rest.
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

Result<Found> examine(Fd directory) {
    Found found{.directory = std::move(directory), .state = {}};
    auto state = load(found.directory.number());
    if (!state && state.error().kind == Kind::not_found) return found;
    if (!state) return std::unexpected(std::move(state).error());
    found.state = std::move(*state);
    LET(const lifecycle::Facts facts, look(found.directory.number(), found.state));
    found.status = lifecycle::observe(facts);
    found.start_awaited = facts.start_awaited;
    return found;
}

// The id's directory, or no descriptor where there is none.
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
    const auto marker = sys::open_at(directory, creation_file, O_RDONLY | O_NOFOLLOW);
    if (!marker) return false;
    LET(const bool free, sys::try_lock(marker->number(), LOCK_SH));
    return !free;
}

Result<Found> find(const Site& site, const std::string& id) {
    LET(Fd directory, open_directory(site, id));
    if (!directory) return Found{};
    return examine(std::move(directory));
}

Result<> lock_container(const Fd& directory, const std::string& id) {
    LET(const bool locked, lock_within(directory.number(), holder_patience_ms));
    if (locked) return {};
    return fail(Kind::kernel, "container ", id, ": its lock was not free within ", holder_patience_ms / 1000,
                " s");
}

Result<Found> find_locked(const Site& site, const std::string& id) {
    LET(Fd directory, open_directory(site, id));
    if (!directory) return Found{};
    TRY(lock_container(directory, id));
    LET(const struct stat status, sys::status_of(directory.number()));
    if (status.st_nlink == 0)
        return Found{};  // removed while we waited; the id may mean another container now
    return examine(std::move(directory));
}

}  // namespace bulkhead::runtime
