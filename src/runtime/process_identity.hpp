// SPDX-License-Identifier: Apache-2.0
// Which process a pid means. A pid alone is not an identity: it is reused. Pid and start time together are,
// and a pidfd keeps what was checked.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::runtime {

struct ProcessStatus {
    char state = '?';              // R, S, D, Z, ... (proc(5))
    std::uint64_t start_time = 0;  // clock ticks since boot

    bool alive() const { return state != 'Z' && state != 'X' && state != 'x'; }
};

// The text of /proc/PID/stat. The command stands in parentheses and may hold anything, parentheses too.
std::optional<ProcessStatus> parse_stat(std::string_view text);

// nullopt where there is no such process.
std::optional<ProcessStatus> process_status(pid_t pid);

// A pidfd of the process that had this pid at this start time, if it still runs and is no zombie.
std::optional<Fd> open_same_process(pid_t pid, std::uint64_t start_time);

}  // namespace bulkhead::runtime
