// SPDX-License-Identifier: Apache-2.0
// How long the host waits for a process that is on its way to its program. Other processes of its pid
// namespace can stop it, trace it or make it loop (a tracer may write into its text and detach). Processes
// that share its cgroup or its mounts can freeze it, starve it, or make it wait for a file server that never
// answers. So there is a bound for the whole wait, and shorter bounds for what happens on no slow machine.
#pragma once

#include <optional>
#include <string>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

class Endurance {
  public:
    // The host continues a stopped process during this time.
    static constexpr int stopped_patience_ms = 2'000;
    // Of processor time, which passes no faster on a busy machine. The rest of its work takes a thousandth of
    // this.
    static constexpr int busy_patience_ms = 3'000;

    explicit Endurance(int total_ms = creation_patience_ms) : total_ms_(total_ms), total_(total_ms) {}

    // From here on others can see the process, which only has to execute the program.
    void expose() { exposed_ = true; }

    // Starts the bound of the whole wait again, because the time that has passed was not the process's own.
    void renew() { total_ = Deadline(total_ms_); }

    // `status` is the state of the process now, `slept_ms` the time since the last call. Returns why the host
    // gives it up, as the end of a sentence about "the process", or nothing as long as the host waits.
    std::optional<std::string> exhausted(const std::optional<ProcessStatus>& status, int slept_ms);

  private:
    int total_ms_;
    Deadline total_;
    bool exposed_ = false;
    int stopped_ms_ = 0;
};

}  // namespace bulkhead::runtime
