// SPDX-License-Identifier: Apache-2.0
#include "cgroups/limits/resources.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

using plan::CgroupSetting;
using Settings = std::vector<CgroupSetting>;

// Every pointer begins with "/" and is relative to the resources.
std::unexpected<Error> refuse(const std::string& pointer, std::string_view why) {
    return fail(Kind::invalid_config, pointer, ": ", why);
}

// "max", "max 100000", "8:0 rbps=max"
bool is_no_limit(std::string_view text) { return text.starts_with("max") || text.ends_with("=max"); }

// "No limit" holds without a controller, too.
void add(Settings& settings, std::string file, std::string text, std::string_view pointer) {
    const bool may_lack = is_no_limit(text);
    settings.push_back({.file = std::move(file),
                        .text = std::move(text),
                        .pointer = std::string(pointer),
                        .may_lack = may_lack});
}

// -1 is no limit, as in cgroup v1.
std::string or_max(std::int64_t value) { return value < 0 ? "max" : cat(value); }

// ---- pids -----------------------------------------------------------------------------------------------

// 0 is a limit: a container of one process, because that one exists already (as runc 1.4). In a config of an
// old version of the standard 0 is no limit; validation handles that.
void add_pids(Settings& settings, const spec::Pids& pids) {
    if (!pids.limit) return;
    add(settings, "pids.max", or_max(*pids.limit == 0 ? 1 : *pids.limit), "/pids/limit");
}

// ---- memory ---------------------------------------------------------------------------------------------

// memory.swap.max is swap alone, `swap` is memory and swap together. Empty if the config sets neither.
Result<std::optional<std::int64_t>> swap_alone(const spec::Memory& memory, const Present& present) {
    std::int64_t limit = memory.limit.value_or(0);
    const std::int64_t swap = memory.swap.value_or(0);
    if (limit < -1) return refuse("/memory/limit", cat("invalid memory value: ", limit));
    if (swap < -1) return refuse("/memory/swap", cat("invalid memory value: ", swap));
    if (limit == -1 && swap == 0) return -1;
    if (swap == 0) return std::nullopt;
    if (swap == -1 || limit == -1) return swap;
    if (limit == 0)  // memory.max has at most 63 bits
        limit = static_cast<std::int64_t>(parse_decimal<std::uint64_t>(present.memory_max).value_or(0));
    if (limit == 0)
        return refuse("/memory/swap", cat(swap, ": unable to set swap limit without memory limit"));
    if (swap < limit)
        return refuse("/memory/swap", cat(swap, ": memory+swap limit should be >= memory limit"));
    return swap - limit;
}

Result<> add_memory(Settings& settings, const spec::Memory& memory, const Present& present) {
    LET(const auto swap, swap_alone(memory, present));
    if (swap) {
        add(settings, "memory.swap.max", or_max(*swap), memory.swap ? "/memory/swap" : "/memory/limit");
        // Without swap in the kernel the file is missing, and "0" and "max" hold anyway (as in runc).
        settings.back().may_lack = *swap <= 0;
    }
    if (memory.reservation.value_or(0) < -1)
        return refuse("/memory/reservation", cat("invalid memory value: ", *memory.reservation));
    constexpr std::uint64_t highest_swappiness = 100;
    if (memory.swappiness.value_or(0) > highest_swappiness)  // cgroup v2 has no file for it
        return refuse("/memory/swappiness", cat(*memory.swappiness, ": must be from 0 to 100"));
    if (memory.limit.value_or(0) != 0) add(settings, "memory.max", or_max(*memory.limit), "/memory/limit");
    if (memory.reservation.value_or(0) != 0)
        add(settings, "memory.low", or_max(*memory.reservation), "/memory/reservation");
    return {};
}

// ---- block devices --------------------------------------------------------------------------------------

std::string device(std::uint32_t major, std::uint32_t minor) { return cat(major, ':', minor); }

Result<> check_weight(std::uint64_t weight, const std::string& pointer) {
    constexpr std::uint64_t lowest = 10, highest = 1000;
    if (weight >= lowest && weight <= highest) return {};
    return refuse(pointer, cat(weight, ": must be from ", lowest, " to ", highest));
}

// The BFQ scheduler has its own file, with the weights of cgroup v1. Without that file the weight goes to the
// cost model's io.weight. `whose` is "" for all devices.
Result<> add_weight(Settings& settings, const std::string& whose, std::uint64_t weight,
                    const std::string& pointer) {
    if (weight == 0) return {};
    TRY(check_weight(weight, pointer));
    add(settings, "io.bfq.weight", cat(whose, weight), pointer);
    settings.back().other_file = "io.weight";
    settings.back().other_text = cat(whose, io_weight(weight));
    return {};
}

// A rate of 0 lifts the limit, as it did in cgroup v1.
void add_throttles(Settings& settings, const std::vector<spec::ThrottleDevice>& devices, std::string_view key,
                   std::string_view property) {
    for (std::size_t i = 0; const spec::ThrottleDevice& each : devices) {
        const std::string rate = each.rate == 0 ? "max" : cat(each.rate);
        add(settings, "io.max", cat(device(each.major, each.minor), ' ', key, '=', rate),
            cat("/blockIO/", property, '/', i++));
    }
}

Result<> add_block_io(Settings& settings, const spec::BlockIo& io) {
    TRY(add_weight(settings, "", io.weight.value_or(0), "/blockIO/weight"));
    for (std::size_t i = 0; const spec::WeightDevice& each : io.weight_device) {
        if (!each.weight && !each.leaf_weight)
            return refuse(cat("/blockIO/weightDevice/", i), "needs weight or leafWeight");
        const std::string whose = cat(device(each.major, each.minor), ' ');
        TRY(add_weight(settings, whose, each.weight.value_or(0),
                       cat("/blockIO/weightDevice/", i++, "/weight")));
    }
    add_throttles(settings, io.throttle_read_bps_device, "rbps", "throttleReadBpsDevice");
    add_throttles(settings, io.throttle_write_bps_device, "wbps", "throttleWriteBpsDevice");
    add_throttles(settings, io.throttle_read_iops_device, "riops", "throttleReadIOPSDevice");
    add_throttles(settings, io.throttle_write_iops_device, "wiops", "throttleWriteIOPSDevice");
    return {};
}

// ---- cpu ------------------------------------------------------------------------------------------------

// The QUOTA of "QUOTA PERIOD" in cpu.max.
std::string quota_of(std::string_view cpu_max) { return std::string(cpu_max.substr(0, cpu_max.find(' '))); }

// The kernel keeps the period if it gets a quota alone. A period alone needs the quota again.
void add_bandwidth(Settings& settings, const spec::Cpu& cpu, const Present& present) {
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = cpu.period.value_or(0);
    if (quota == 0 && period == 0) return;
    std::string text = quota == 0 ? quota_of(present.cpu_max) : or_max(quota);
    if (period != 0) text += cat(' ', period);
    add(settings, "cpu.max", std::move(text), quota == 0 ? "/cpu/period" : "/cpu/quota");
}

// The kernel refuses the same values, but only with EINVAL (tg_set_cfs_bandwidth, sched_group_set_idle).
Result<> check_cpu(const spec::Cpu& cpu) {
    constexpr std::int64_t lowest_quota = 1000;
    constexpr std::uint64_t shortest = 1000, longest = 1'000'000;
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = cpu.period.value_or(0);
    if (quota > 0 && quota < lowest_quota)
        return refuse("/cpu/quota", cat(quota, ": must be at least ", lowest_quota));
    if (period != 0 && (period < shortest || period > longest))
        return refuse("/cpu/period", cat(period, ": must be from ", shortest, " to ", longest));
    if (quota > 0 && cpu.burst.value_or(0) > static_cast<std::uint64_t>(quota))
        return refuse("/cpu/burst", cat(*cpu.burst, ": must not be above the quota ", quota));
    if (cpu.idle.value_or(0) < 0 || cpu.idle.value_or(0) > 1)
        return refuse("/cpu/idle", cat(*cpu.idle, ": must be 0 or 1"));
    return {};
}

void add_cpu(Settings& settings, const spec::Cpu& cpu, const Present& present) {
    // An idle cgroup has no weight: the kernel refuses a new one and forgets the old one.
    if (cpu.shares.value_or(0) != 0 && cpu.idle.value_or(0) != 1)
        add(settings, "cpu.weight", cat(cpu_weight(*cpu.shares)), "/cpu/shares");
    if (cpu.idle) add(settings, "cpu.idle", cat(*cpu.idle), "/cpu/idle");
    add_bandwidth(settings, cpu, present);
    if (cpu.burst) add(settings, "cpu.max.burst", cat(*cpu.burst), "/cpu/burst");
    if (!cpu.cpus.empty()) add(settings, "cpuset.cpus", cpu.cpus, "/cpu/cpus");
    if (!cpu.mems.empty()) add(settings, "cpuset.mems", cpu.mems, "/cpu/mems");
}

// ---- huge pages and RDMA --------------------------------------------------------------------------------

// The kernel names a size in the largest unit that gives at least 1 (mem_fmt of hugetlb_cgroup.c).
bool is_page_size(std::string_view size) {
    const std::size_t digits = size.find_first_not_of("0123456789");
    if (digits == 0 || digits == size.npos || size[0] == '0') return false;
    const auto number = parse_decimal<std::uint32_t>(size.substr(0, digits));
    const std::string_view unit = size.substr(digits);
    return number && *number < 1024 && std::has_single_bit(*number) &&
           (unit == "KB" || unit == "MB" || unit == "GB");
}

// Limits the pages in use and those reserved for mappings: without the second limit a program gets SIGBUS
// where mmap(2) should have failed. The file of reservations came with 5.7.
Result<> add_huge_pages(Settings& settings, const std::vector<spec::HugepageLimit>& limits) {
    for (std::size_t i = 0; const spec::HugepageLimit& each : limits) {
        const std::string pointer = cat("/hugepageLimits/", i++);
        if (!is_page_size(each.page_size))
            return refuse(cat(pointer, "/pageSize"),
                          cat(quoted(each.page_size), ": must be a size such as 64KB, 2MB or 1GB"));
        add(settings, cat("hugetlb.", each.page_size, ".max"), cat(each.limit), pointer);
        add(settings, cat("hugetlb.", each.page_size, ".rsvd.max"), cat(each.limit), pointer);
        settings.back().may_lack = true;
    }
    return {};
}

Result<> add_rdma(Settings& settings, const std::map<std::string, spec::Rdma>& devices) {
    for (const auto& [name, limit] : devices) {
        const std::string pointer = cat("/rdma/", pointer_token(name));
        if (!limit.hca_handles && !limit.hca_objects)
            return refuse(pointer, "needs hcaHandles or hcaObjects");
        std::string text = name;
        if (limit.hca_handles) text += cat(" hca_handle=", *limit.hca_handles);
        if (limit.hca_objects) text += cat(" hca_object=", *limit.hca_objects);
        add(settings, "rdma.max", std::move(text), pointer);
    }
    return {};
}

// ---- unified --------------------------------------------------------------------------------------------

// True for a file of a controller. Other cgroup.* files rule over the group itself and its processes.
bool is_file_of_controller(std::string_view key) {
    if (key == "cgroup.max.depth" || key == "cgroup.max.descendants") return true;
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const std::string_view controller = controller_of(key);
    return key.find_first_not_of(letters) == key.npos && !controller.empty() &&
           controller.size() < key.size() && controller != "cgroup";
}

// Writes each line by itself, because the kernel takes one value with each write. A file that the config
// names must exist, whatever the value is.
Result<> add_unified(Settings& settings, const std::map<std::string, std::string>& unified) {
    for (const auto& [key, value] : unified) {
        const std::string pointer = cat("/unified/", pointer_token(key));
        if (!is_file_of_controller(key))
            return refuse("/unified", cat(quoted(key), ": must be the name of a file of a controller"));
        for (const std::string_view line : split(value, '\n'))
            if (!line.empty())
                settings.push_back({.file = key, .text = std::string(line), .pointer = pointer});
    }
    return {};
}

Result<Settings> all_settings(const spec::Resources& resources, const Present& present) {
    Settings settings;
    add_pids(settings, resources.pids);
    TRY(add_memory(settings, resources.memory, present));
    TRY(add_block_io(settings, resources.block_io));
    TRY(check_cpu(resources.cpu));
    add_cpu(settings, resources.cpu, present);
    TRY(add_huge_pages(settings, resources.hugepage_limits));
    TRY(add_rdma(settings, resources.rdma));
    TRY(add_unified(settings, resources.unified));
    return settings;
}

}  // namespace

std::uint64_t cpu_weight(std::uint64_t shares) {
    constexpr std::uint64_t lowest = 2, highest = 262144;
    if (shares <= lowest) return 1;
    if (shares >= highest) return 10000;
    const double l = std::log2(static_cast<double>(shares));
    const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
    return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t io_weight(std::uint64_t weight) { return 1 + (weight - 10) * 9999 / 990; }

std::string_view controller_of(std::string_view file) { return file.substr(0, file.find('.')); }

Result<std::vector<plan::CgroupSetting>> settings_of(const spec::Resources& resources, const Present& present,
                                                     std::string_view where) {
    auto settings = all_settings(resources, present);
    if (!settings) settings.error().text.insert(0, where);
    if (settings)
        for (CgroupSetting& each : *settings) each.pointer.insert(0, where);
    return settings;
}

}  // namespace bulkhead::cgroups
