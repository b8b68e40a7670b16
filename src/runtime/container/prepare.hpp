// SPDX-License-Identifier: Apache-2.0
// What `create`, `run` and `explain` do before the first effect: from a request and a bundle to a timeline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/container/bundle.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/later_hooks.hpp"
#include "runtime/record/state.hpp"
#include "runtime/steps/systemd_driver.hpp"

namespace bulkhead::runtime {

enum class Mode : unsigned char { create, run, explain };

struct PreparedCreate {
    Bundle bundle;
    plan::HostFacts host;
    CreateOptions options;
    plan::Timeline timeline;
    plan::Timeline poststart;  // of run; both are empty if there are no such hooks
    DeleteHooks end;
    std::optional<Driver> driver;  // of --systemd-cgroup, connected
};

// Reads the bundle, checks the request, probes the host and compiles the timelines. Only the cache of seccomp
// programs below the state root may change on disk (never in Mode::explain).
Result<PreparedCreate> prepare(const Site& site, const CreateRequest& request, Mode mode);

// The record that the creation begins with: everything that is known before a process exists.
Result<State> first_state(const PreparedCreate& prepared);

// The validation's warnings, the capabilities that cannot be granted, and, without a cgroup, the limits and
// device rules that are not in force.
std::vector<std::string> warnings_of(const PreparedCreate& prepared);

}  // namespace bulkhead::runtime
