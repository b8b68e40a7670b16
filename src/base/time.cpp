// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace bulkhead {

std::string rfc3339(const timespec& moment) {
    using namespace std::chrono;
    const sys_seconds seconds_since_epoch{seconds{moment.tv_sec}};
    const auto midnight = floor<days>(seconds_since_epoch);
    const year_month_day date{midnight};
    const hh_mm_ss time{seconds_since_epoch - midnight};
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09ldZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), moment.tv_nsec);
    return {text.data(), static_cast<std::size_t>(length)};
}

std::string rfc3339_now() {
    timespec now{};
    (void)::clock_gettime(CLOCK_REALTIME, &now);
    return rfc3339(now);
}

}  // namespace bulkhead
