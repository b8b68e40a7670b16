// SPDX-License-Identifier: Apache-2.0
// Identifies processes and cgroups, because pids and paths are reused. The inode of a pidfd identifies a
// process (pidfs, Linux 6.9); on older kernels pid and start time do, as exactly as a clock tick of 10 ms
// allows. Path and inode together identify a cgroup.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/record/state.hpp"

namespace bulkhead::runtime {

struct ProcessStatus {
    char state = '?';              // R, S, D, Z, ... (proc(5))
    std::uint64_t start_time = 0;  // clock ticks since boot

    unsigned threads = 1;
    std::uint64_t busy_ms = 0;  // of processor time, in the kernel's clock ticks

    // A first thread that has ended is a zombie for as long as others of its process run.
    bool stopped() const { return state == 'T' || state == 't'; }  // by a signal, by its tracer
    bool alive() const { return (state != 'Z' || threads > 1) && state != 'X' && state != 'x'; }
};

// The text of /proc/PID/stat. The command stands in parentheses and may hold anything, parentheses too.
std::optional<ProcessStatus> parse_stat(std::string_view text);

// nullopt if there is no such process.
std::optional<ProcessStatus> process_status(pid_t pid);

// The end of a sentence about a child that was killed and cannot be reaped: "process 7 is left to init of the
// host: it has ended, and process 9, which traces it, does not let go of it".
std::string left_to_init(pid_t pid);

// The inode of a pidfd: the process's own, and given to no other until the machine boots again. 0 if the
// kernel has the same one for all pidfds.
std::uint64_t pidfd_inode(int pidfd);

// A pidfd of the process that had this pid at this start time and, if `inode` is not 0, this inode, if it
// still runs and is no zombie.
std::optional<Fd> open_same_process(pid_t pid, std::uint64_t start_time, std::uint64_t inode);

// The container's first process, as the record knows it.
std::optional<Fd> open_init(const State& state);

// The cgroup of the record. No descriptor if it is gone, if another one has its path, or if the runtime was
// killed before it could write down which one it made: nothing of the container can run in it then.
Result<Fd> open_own_cgroup(const State& state);

}  // namespace bulkhead::runtime
