// SPDX-License-Identifier: Apache-2.0
// The lifecycle: the state machine that is the core of bulkhead. Two pure functions tell the status of a
// container (observe) and what a verb may do in it (rule).
// tests/runtime/lifecycle_test.cpp holds the whole table under static_assert, and man/bulkhead.8 prints it.
//
//     (removed) --create--> creating --> created --start--> running --kill--> stopped --delete--> (removed)
//                                                   running --pause--> paused --resume--> running
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bulkhead::lifecycle {

enum class Status : std::uint8_t { removed, creating, created, running, paused, stopped };
enum class Verb : std::uint8_t { create, start, pause, resume, kill, exec, update, remove, checkpoint };

inline constexpr std::array statuses{Status::removed, Status::creating, Status::created,
                                     Status::running, Status::paused,   Status::stopped};
inline constexpr std::array verbs{Verb::create, Verb::start,  Verb::pause,  Verb::resume,    Verb::kill,
                                  Verb::exec,   Verb::update, Verb::remove, Verb::checkpoint};

// The words of runtime.md 1.3 (state) and of runc (paused); hooks see "creating", engines the other four.
constexpr std::string_view word(Status status) {
    constexpr std::array words{"removed", "creating", "created", "running", "paused", "stopped"};
    return words[static_cast<std::size_t>(status)];
}
constexpr std::string_view word(Verb verb) {
    constexpr std::array words{"create", "start",  "pause",  "resume",    "kill",
                               "exec",   "update", "delete", "checkpoint"};
    return words[static_cast<std::size_t>(verb)];
}

// The state of the disk and the kernel that concerns an id, at one moment. Status is never stored, so it
// cannot be stale.
struct Facts {
    bool recorded = false;       // state.json is there
    bool being_made = false;     // a live runtime holds the creation lock
    bool init_alive = false;     // the pid of the record runs, has the recorded start time, is no zombie
    bool start_awaited = false;  // somebody reads the exec fifo
    bool frozen = false;         // cgroup.events of its cgroup has `frozen 1`
};

constexpr Status observe(Facts facts) {
    if (!facts.recorded) return Status::removed;
    if (facts.being_made) return Status::creating;
    if (!facts.init_alive) return Status::stopped;  // also if a runtime was killed during create
    if (facts.frozen) return Status::paused;
    return facts.start_awaited ? Status::created : Status::running;
}

// What a verb may do in a status.
enum class Rule : std::uint8_t {
    allowed,
    nothing_to_do,   // success without an effect
    kill_first,      // delete: kill the init process, then go on
    does_not_exist,  // the rest are refusals; message() has runc's words for them
    already_exists,
    already_running,
    has_stopped,
    cannot_start_paused,
    cannot_exec_stopped,
    not_stopped,
    not_running,
    not_paused,
    cannot_exec_paused,
};

// `force` is delete --force, kill --all and exec --ignore-paused: the flag that lets a verb do more. A
// container that another runtime is still making does not exist yet.
constexpr Rule rule(Status status, Verb verb, bool force = false) {
    using enum Status;
    using enum Rule;
    const bool absent = status == removed || status == creating;
    const bool alive = status == created || status == running || status == paused;
    switch (verb) {
        case Verb::create: return status == removed ? allowed : already_exists;
        case Verb::start:
            if (absent) return does_not_exist;
            if (status == created) return allowed;
            if (status == paused) return cannot_start_paused;
            return status == stopped ? has_stopped : already_running;
        case Verb::pause:
            if (absent) return does_not_exist;
            return status == created || status == running ? allowed : not_running;
        case Verb::resume:
            if (absent) return does_not_exist;
            return status == paused ? allowed : not_paused;
        case Verb::kill:
            if (absent) return does_not_exist;
            if (alive) return allowed;
            return force ? nothing_to_do : not_running;
        case Verb::exec:
            if (absent) return does_not_exist;
            if (status == stopped) return cannot_exec_stopped;
            return status == paused && !force ? cannot_exec_paused : allowed;
        case Verb::update:
            if (absent) return does_not_exist;
            return alive ? allowed : not_running;
        case Verb::remove:
            if (absent) return force ? nothing_to_do : does_not_exist;
            if (status == stopped) return allowed;
            return status == created || force ? kill_first : not_stopped;
        case Verb::checkpoint:
            if (absent) return does_not_exist;
            return status == running || status == paused ? allowed : not_running;
    }
    return does_not_exist;
}

constexpr bool refuses(Rule rule) { return rule >= Rule::does_not_exist; }

// The clause of the error text that engines match on: containerd's shim, CRI-O and podman look for these
// words.
constexpr std::string_view words(Rule refusal) {
    switch (refusal) {
        case Rule::allowed:
        case Rule::nothing_to_do:
        case Rule::kill_first: return "";
        case Rule::does_not_exist: return "container does not exist";
        case Rule::already_exists: return "container with given ID already exists";
        case Rule::already_running: return "cannot start an already running container";
        case Rule::has_stopped: return "cannot start a container that has stopped";
        case Rule::cannot_start_paused: return "cannot start a container in the paused state";
        case Rule::cannot_exec_stopped: return "cannot exec in a stopped container";
        case Rule::not_stopped: return "cannot delete a container that is not stopped";
        case Rule::not_running: return "container not running";
        case Rule::not_paused: return "container not paused";
        case Rule::cannot_exec_paused:
            return "cannot exec in a paused container (use --ignore-paused to override)";
    }
    return "";
}

}  // namespace bulkhead::lifecycle
