// SPDX-License-Identifier: Apache-2.0
// A cgroup's use of resources and its waiting for them: its files (cgroup-v2.rst) as plain values.
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

// Pressure stall information (4.20; psi.rst): the share of the time, in percent, in which tasks waited.
struct Pressure {
    double avg10 = 0;
    double avg60 = 0;
    double avg300 = 0;
    std::uint64_t total = 0;  // microseconds
};
struct Stall {
    Pressure some;  // at least one task waited
    Pressure full;  // all tasks waited; zeros for the CPU before 5.13
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
    std::uint64_t peak = 0;  // from 5.19 on; for swap 6.5
};
struct MemoryStats {
    MemoryUse memory;
    MemoryUse swap;                            // without the memory
    std::map<std::string, std::uint64_t> raw;  // memory.stat
    std::optional<Stall> stall;
};

struct PidsStats {
    std::uint64_t current = 0;
    std::uint64_t limit = unlimited;
};

// A number about one block device.
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
    std::uint64_t failures = 0;  // how often the limit refused a page
};

// The caches and the memory bandwidth that a container's resctrl group has, and its use of them.
struct RdtStats {
    struct Cache {
        std::string mask;  // all bits that a schema may have, as the kernel writes them
        std::uint64_t least_bits = 0;
        std::uint64_t groups = 0;  // how many groups can exist
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
    std::vector<Traffic> traffic;          // empty if the processor does not count it
    std::vector<std::uint64_t> occupancy;  // bytes of the cache, by domain
};

struct Stats {
    CpuStats cpu;
    MemoryStats memory;
    PidsStats pids;
    IoStats io;
    std::map<std::string, HugePageStats> huge_pages;  // by size, as the kernel writes it: "2MB"
    std::optional<RdtStats> rdt;                      // by read_rdt_stats, for a container with a group
};

// All current numbers. A controller that is not enabled in this cgroup leaves zeros or nothing (and
// `unlimited` for pids); processes are counted without it. The numbers of a cgroup that is being removed may
// be too small: check afterwards that it is populated.
Result<Stats> read_stats(int cgroup_fd);

// Parse the texts of cpu.stat, io.stat and *.pressure. A number that is missing there is zero, or no entry.
CpuStats parse_cpu(std::string_view text);
IoStats parse_io(std::string_view text);
Stall parse_stall(std::string_view text);

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
