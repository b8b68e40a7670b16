// SPDX-License-Identifier: Apache-2.0
// Finds a container on disk and collects the Facts that its status follows from.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/container/container.hpp"
#include "runtime/record/lifecycle.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

// The id's grammar: letters, digits, "_", "+", "-", ".", 1 to 255 bytes, not "." or "..". Kind::usage, in
// runc's words.
Result<> check_id(const std::string& id);

// The state root as a directory. It must belong to us, and nobody else may write to it (Kind::denied).
Result<Fd> open_root(const Site& site);
// The same, made (0700) if missing.
Result<Fd> make_root(const Site& site);

// A container as it was found.
struct Found {
    Fd directory;  // its state directory
    State state;
    lifecycle::Status status = lifecycle::Status::removed;
    bool start_awaited = false;  // created, or paused before its program has begun
    // Why the record cannot be believed. `state` and `status` are then from what is left of it (Remains), and
    // only `list` and `delete --force` go on with that.
    std::optional<Error> damage{};
    bool tells_kept_cgroups = true;  // as in Remains
};

// Looks at an id. The status is removed if nothing is there; if a killed creation left a directory without a
// record, `directory` is valid then. For find() and find_locked() a damaged record is an error. All but
// find_even_damaged(), which serves `list`, wait up to publication_patience_ms for a `run` whose program runs
// already.
Result<Found> find(const Site& site, const std::string& id);
Result<Found> find_even_damaged(const Site& site, const std::string& id);

// Takes the container's lock, which lives as long as its open directory. An error if somebody else keeps
// it for longer than any verb needs it.
Result<> lock_container(const Fd& directory, const std::string& id);

// find() under the container's lock. The result holds the lock as long as it lives, so no other verb changes
// the container meanwhile.
Result<Found> find_locked(const Site& site, const std::string& id);
Result<Found> find_locked_even_damaged(const Site& site, const std::string& id);

// "container ID: its record is damaged: state.json: /pid: is required"
Error damaged(const std::string& id, Error why);

// True if the runtime that makes this container is alive.
Result<bool> being_made(int directory);

}  // namespace bulkhead::runtime
