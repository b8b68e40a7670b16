// SPDX-License-Identifier: Apache-2.0
#include "cgroups/statistics/oom.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/sys.hpp"
#include "cgroups/statistics/keyed.hpp"

namespace bulkhead::cgroups {

Result<OomEvents> OomEvents::open(int cgroup_fd) {
    LET(Fd file, sys::open_at(cgroup_fd, "memory.events", O_RDONLY));
    return OomEvents(std::move(file));
}

Result<std::uint64_t> OomEvents::kills() const {
    std::array<char, 1024> text{};
    ::lseek(file_.number(), 0, SEEK_SET);
    LET(const std::size_t size, sys::read(file_.number(), text));
    return flat_keyed({text.data(), size})["oom_kill"];
}

}  // namespace bulkhead::cgroups
