// SPDX-License-Identifier: Apache-2.0
// What a cgroup has used and how long it had to wait for it: its files (cgroup-v2.rst) as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cgroups/statistics/keyed.hpp"

namespace bulkhead::cgroups {

// Pressure stall information (4.20; psi.rst): the part of the time, in percent, for which tasks waited.
struct Pressure {
    double avg10 = 0;
    double avg60 = 0;
    double avg300 = 0;
    std::uint64_t total = 0;  // microseconds
};
struct Stall {
    Pressure some;  // at least one task waited
    Pressure full;  // all did; zeros for the CPU before 5.13
};

struct CpuStats {  // times in nanoseconds
    std::uint64_t usage = 0;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    std::uint64_t periods = 0;
    std::uint64_t throttled_periods = 0;
    std::uint64_t throttled_time = 0;
    std::optional<Stall> stall;
};

struct MemoryUse {  // bytes
    std::uint64_t usage = 0;
    std::uint64_t limit = 0;
    std::uint64_t peak = 0;  // 5.19; of swap 6.5
};
struct MemoryStats {
    MemoryUse memory;
    MemoryUse swap;                            // alone, without the memory
    std::map<std::string, std::uint64_t> raw;  // memory.stat
    std::optional<Stall> stall;
};

struct PidsStats {
    std::uint64_t current = 0;
    std::uint64_t limit = unlimited;
};

// One number about one block device.
struct DeviceCount {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    bool is_write = false;
    std::uint64_t value = 0;
};
struct IoStats {
    std::vector<DeviceCount> bytes;
    std::vector<DeviceCount> operations;
    std::optional<Stall> stall;
};

struct HugePageStats {
    std::uint64_t usage = 0;     // bytes
    std::uint64_t failures = 0;  // to get one, because of the limit
};

// What a container's group of resctrl has of caches and memory bandwidth, and what it has used of them.
struct RdtStats {
    struct Cache {
        std::string mask;  // of all the bits that a schema may have, as the kernel writes it
        std::uint64_t least_bits = 0;
        std::uint64_t groups = 0;  // how many there can be
    };
    struct Bandwidth {
        std::uint64_t granularity = 0;  // percent
        std::uint64_t is_linear = 0;
        std::uint64_t least = 0;
        std::uint64_t groups = 0;
    };
    struct Traffic {  // of one domain, bytes
        std::uint64_t total = 0;
        std::uint64_t local = 0;
    };
    std::optional<Cache> cache;
    std::optional<Bandwidth> bandwidth;
    std::vector<std::string> root_schemata;  // lines
    std::vector<std::string> schemata;
    std::vector<Traffic> traffic;          // empty where the processor does not count it
    std::vector<std::uint64_t> occupancy;  // bytes of the cache, by domain
};

struct Stats {
    CpuStats cpu;
    MemoryStats memory;
    PidsStats pids;
    IoStats io;
    std::map<std::string, HugePageStats> huge_pages;  // by size, as the kernel writes it: "2MB"
    std::optional<RdtStats> rdt;                      // by read_rdt_stats, of containers that have a group
};

// All of it now. A controller that is not enabled in this cgroup leaves zeros or nothing (and `unlimited` for
// pids); processes are counted without one. Of a cgroup that is being removed there may be less than there
// was: ask afterwards whether it is populated.
Result<Stats> read_stats(int cgroup_fd);

// The texts of cpu.stat, io.stat and *.pressure. What they do not say is zero, or no entry.
CpuStats parse_cpu(std::string_view text);
IoStats parse_io(std::string_view text);
Stall parse_stall(std::string_view text);

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
