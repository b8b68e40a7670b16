// SPDX-License-Identifier: Apache-2.0
// memory.events: counts what the kernel's out-of-memory killer has done in a cgroup and below.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

class OomEvents {
  public:
    // Kind::not_found if the memory controller is not enabled in this cgroup.
    static Result<OomEvents> open(int cgroup_fd);

    // The number of processes that the killer has ended (4.13). ENODEV if the cgroup was removed.
    Result<std::uint64_t> kills() const;

    // For poll(2): POLLPRI if something has changed since the last kills(). The kernel notifies at most once
    // in 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV), and reaching the limit before a kill is a change, too. So the
    // notice of the kill often comes late, or never if the cgroup is removed first. Look again for 10 ms
    // after each change.
    int number() const { return file_.number(); }

  private:
    explicit OomEvents(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

}  // namespace bulkhead::cgroups
