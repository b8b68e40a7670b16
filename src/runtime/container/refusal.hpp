// SPDX-License-Identifier: Apache-2.0
// The error of a verb that the lifecycle forbids.
#pragma once

#include <string>

#include "base/error.hpp"
#include "runtime/record/lifecycle.hpp"

namespace bulkhead::runtime {

inline std::unexpected<Error> refusal(lifecycle::Rule rule, const std::string& id, lifecycle::Status status) {
    const Kind kind = rule == lifecycle::Rule::does_not_exist ? Kind::not_found : Kind::bad_state;
    if (rule == lifecycle::Rule::not_stopped)
        return fail(kind, "cannot delete container ", id, " that is not stopped: ", lifecycle::word(status));
    return fail(kind, lifecycle::words(rule), ": ", id);
}

// config.json has no process: the container can be created only.
inline std::unexpected<Error> no_program(const std::string& id) {
    return fail(Kind::invalid_config, "config.json: /process: process property must not be empty: container ",
                id, " has nothing to run");
}

// Rootless, or made with --cgroup-manager disabled.
inline std::unexpected<Error> no_cgroup(const std::string& id, std::string_view consequence) {
    return fail(Kind::unsupported, "container ", id, ": it has no cgroup of its own, so ", consequence);
}

}  // namespace bulkhead::runtime
