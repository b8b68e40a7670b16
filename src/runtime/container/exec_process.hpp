// SPDX-License-Identifier: Apache-2.0
// Which process `exec` starts: the container's own with some changes, or one that a file describes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "spec/process.hpp"

namespace bulkhead::runtime {

// The flags of `exec` that change the container's process; empty means "as it is".
struct ProcessChanges {
    std::vector<std::string> args;
    bool terminal = false;  // without --process the flag alone decides
    std::string cwd;
    std::vector<std::string> env;  // appended; of two variables with the same name the later wins
    std::string user;              // "UID" or "UID:GID", plain decimals
    std::vector<std::string> additional_gids;
    std::vector<std::string>
        capabilities;  // for the bounding, effective and permitted set; never inheritable
    std::optional<bool> no_new_privileges;
    std::string process_label;
    std::string apparmor;
};

// The container's process with the changes. Errors, all Kind::usage: no arguments, a user or group out of
// grammar.
Result<spec::Process> changed_process(spec::Process process, const ProcessChanges& changes);

// What `given` leaves out comes from the container's process: capabilities, labels, limits, umask,
// scheduling, the OOM score (as runc does it).
spec::Process completed_process(spec::Process given, const spec::Process& own);

}  // namespace bulkhead::runtime
