// SPDX-License-Identifier: Apache-2.0
// memory.events: what the kernel's out-of-memory killer has done in a cgroup and below.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::cgroups {

class OomEvents {
  public:
    // Kind::not_found where the memory controller is not enabled in this cgroup.
    static Result<OomEvents> open(int cgroup_fd);

    // How many processes it has killed (4.13). ENODEV where the cgroup was removed.
    Result<std::uint64_t> kills() const;

    // For poll(2): POLLPRI where something has changed since the last kills(). The kernel tells at most once
    // in 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV), and what comes before a kill, the reaching of the limit, is a
    // change as well: so the kill itself is often told late, or never if the cgroup is removed first. Look
    // again in the 10 ms after each change.
    int number() const { return file_.number(); }

  private:
    explicit OomEvents(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

}  // namespace bulkhead::cgroups
