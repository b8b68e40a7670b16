// SPDX-License-Identifier: Apache-2.0
#include "cgroups/group/events.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

Result<Events> Events::open(int cgroup_fd) {
    LET(Fd file, sys::open_at(cgroup_fd, "cgroup.events", O_RDONLY));
    return Events(std::move(file));
}

Result<bool> Events::flag(std::string_view name) const {
    std::array<char, 256> text{};
    ::lseek(file_.number(), 0, SEEK_SET);
    LET(const std::size_t size, sys::read(file_.number(), text));
    for (const std::string_view line : split({text.data(), size}, '\n'))
        if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) return line.ends_with(" 1");
    return fail(Kind::unsupported, "cgroup.events says nothing of ", name);
}

void Events::wait(std::uint64_t nanoseconds) const {
    pollfd entry{file_.number(), POLLPRI, 0};
    const timespec time{static_cast<time_t>(nanoseconds / 1'000'000'000),
                        static_cast<long>(nanoseconds % 1'000'000'000)};
    (void)::ppoll(&entry, 1, &time, nullptr);  // whatever ends the wait, the caller looks again
}

std::uint64_t BackOff::next() {
    const std::uint64_t step = std::min(step_, deadline_.left_ns());
    step_ = std::min<std::uint64_t>(step_ * 2, 10'000'000);
    return step;
}

}  // namespace bulkhead::cgroups
