// SPDX-License-Identifier: Apache-2.0
// The date as text.
#pragma once

#include <ctime>
#include <string>

namespace bulkhead {

// RFC 3339 in UTC with nanoseconds: 2026-11-21T10:00:00.123456789Z. By <chrono>, because gmtime_r would read
// /etc/localtime.
std::string rfc3339(const timespec& moment);
std::string rfc3339_now();

}  // namespace bulkhead
