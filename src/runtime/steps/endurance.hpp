// SPDX-License-Identifier: Apache-2.0
// How long a process is waited for that is on its way to its program. Where others live in its pid namespace
// they can stop it, trace it, send it in a circle (a tracer may write into its text and go), and who shares
// its cgroup or its mounts can freeze it, starve it, or let it wait for a file server that never answers. So
// there is a total, whatever happens, and shorter bounds for what no slow machine does.
#pragma once

#include <optional>
#include <string>

#include "base/deadline.hpp"
#include "base/patience.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

class Endurance {
  public:
    // What is stopped is sent on its way again meanwhile.
    static constexpr int stopped_patience_ms = 2'000;
    // Of processor time, which passes no faster on a busy machine. What is left to do takes a thousandth.
    static constexpr int busy_patience_ms = 3'000;

    explicit Endurance(int total_ms = creation_patience_ms) : total_ms_(total_ms), total_(total_ms) {}

    // From here on others can see it, and nothing is left to do but to execute the program.
    void expose() { exposed_ = true; }

    // The total begins anew: what has passed was not its own time.
    void renew() { total_ = Deadline(total_ms_); }

    // `status` is what was seen of it, `slept_ms` how long ago that was done before. Why it is given up, as
    // the end of a sentence about "the process"; nothing as long as it is waited for.
    std::optional<std::string> exhausted(const std::optional<ProcessStatus>& status, int slept_ms);

  private:
    int total_ms_;
    Deadline total_;
    bool exposed_ = false;
    int stopped_ms_ = 0;
};

}  // namespace bulkhead::runtime
