// SPDX-License-Identifier: Apache-2.0
// cgroup.events: "populated" (a process is in the cgroup or below) and "frozen", and waiting for a change.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

class Events {
  public:
    static Result<Events> open(int cgroup_fd);

    // ENODEV if the cgroup was removed.
    Result<bool> flag(std::string_view name) const;

    // Waits for a change since the last flag(), at most `nanoseconds`. The kernel holds a notice back for up
    // to 10 ms after the one before (CGROUP_FILE_NOTIFY_MIN_INTV), so a caller looks again after a short time
    // in any case.
    void wait(std::uint64_t nanoseconds) const;

    // For poll(2) together with other files: POLLPRI if something has changed since the last flag().
    int number() const { return file_.number(); }

  private:
    explicit Events(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

// Waiting times that double from 50 us to 10 ms and end with a deadline.
class BackOff {
  public:
    explicit BackOff(int deadline_ms) : deadline_(deadline_ms) {}
    std::uint64_t next();  // nanoseconds; 0: the deadline has passed
    bool over() const { return deadline_.passed(); }

  private:
    Deadline deadline_;
    std::uint64_t step_ = 50'000;
};

}  // namespace bulkhead::cgroups
