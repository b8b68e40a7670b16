// SPDX-License-Identifier: Apache-2.0
// The process object (config.md, "Process"), a part of spec.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::spec {

struct ConsoleSize {  // with a terminal both are there and have 16 bits at most; without one they mean
                      // nothing
    std::optional<std::uint64_t> height;
    std::optional<std::uint64_t> width;
};

struct User {
    std::uint32_t uid = 0;  // never 4294967295, which means "no change" to the kernel
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
};

struct Capabilities {  // names: "CAP_KILL"
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> permitted;
    std::vector<std::string> inheritable;
    std::vector<std::string> ambient;
};

struct Rlimit {
    int resource = 0;       // RLIMIT_NOFILE and so on, the kernel's number
    std::string_view name;  // "RLIMIT_NOFILE", of static storage
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

enum class SchedulerPolicy : std::uint8_t { other, fifo, rr, batch, iso, idle, deadline };

enum class SchedulerFlag : std::uint8_t {
    reset_on_fork = 0x01,
    reclaim = 0x02,
    dl_overrun = 0x04,
    keep_policy = 0x08,
    keep_params = 0x10,
    util_clamp_min = 0x20,
    util_clamp_max = 0x40,
};

struct Scheduler {
    SchedulerPolicy policy = SchedulerPolicy::other;
    std::int32_t nice = 0;
    std::int32_t priority = 0;
    std::vector<SchedulerFlag> flags;
    std::uint64_t runtime = 0;  // nanoseconds
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

enum class IoPriorityClass : std::uint8_t { realtime = 1, best_effort = 2, idle = 3 };

struct IoPriority {
    IoPriorityClass io_class = IoPriorityClass::best_effort;  // "class" in JSON
    std::int32_t priority = 0;
};

struct ExecCpuAffinity {  // for exec only; create ignores it
    std::string initial;
    std::string final;
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    std::string cwd;
    std::vector<std::string> env;
    std::vector<std::string> args;
    User user;
    std::optional<Capabilities> capabilities;  // absent: empty sets, for root too, as with runc
    bool no_new_privileges = false;
    std::vector<Rlimit> rlimits;
    std::string apparmor_profile;
    std::string selinux_label;
    std::optional<std::int32_t> oom_score_adj;  // absent: not touched
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
    std::optional<ExecCpuAffinity> exec_cpu_affinity;
};

}  // namespace bulkhead::spec
