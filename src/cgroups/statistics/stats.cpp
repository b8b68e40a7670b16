// SPDX-License-Identifier: Apache-2.0
#include "cgroups/statistics/stats.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "cgroups/group/group.hpp"
#include "cgroups/statistics/keyed.hpp"

namespace bulkhead::cgroups {

namespace {

// Empty if the file does not exist (the controller is not enabled, the kernel is too old) or cannot be read
// (pressure on a kernel booted with psi=0: EOPNOTSUPP).
Result<std::optional<std::string>> text_of(int cgroup_fd, const std::string& file) {
    auto text = read_kernel_file(cgroup_fd, file);
    if (text) return std::move(*text);
    if (text.error().err == ENOENT || text.error().err == EOPNOTSUPP) return std::nullopt;
    return std::unexpected(std::move(text).error());
}

Result<std::optional<std::uint64_t>> number_of(int cgroup_fd, const std::string& file) {
    LET(const auto text, text_of(cgroup_fd, file));
    if (!text) return std::nullopt;
    const auto value = single_value(*text);
    if (!value) return fail(Kind::unsupported, file, ": ", quoted(*text), ": not a number");
    return value;
}

Result<std::uint64_t> number_or_zero(int cgroup_fd, const std::string& file) {
    LET(const auto value, number_of(cgroup_fd, file));
    return value.value_or(0);
}

Result<std::optional<Stall>> read_stall(int cgroup_fd, const std::string& file) {
    LET(const auto text, text_of(cgroup_fd, file));
    if (!text) return std::nullopt;
    return parse_stall(*text);
}

Result<CpuStats> read_cpu(int cgroup_fd) {
    LET(const auto text, text_of(cgroup_fd, "cpu.stat"));
    CpuStats found = parse_cpu(text.value_or(""));
    LET(found.stall, read_stall(cgroup_fd, "cpu.pressure"));
    return found;
}

Result<MemoryUse> read_memory_use(int cgroup_fd, const std::string& prefix) {
    MemoryUse found;
    LET(found.usage, number_or_zero(cgroup_fd, cat(prefix, ".current")));
    LET(found.limit, number_or_zero(cgroup_fd, cat(prefix, ".max")));
    LET(found.peak, number_or_zero(cgroup_fd, cat(prefix, ".peak")));
    return found;
}

Result<MemoryStats> read_memory(int cgroup_fd) {
    MemoryStats found;
    LET(found.memory, read_memory_use(cgroup_fd, "memory"));
    LET(found.swap, read_memory_use(cgroup_fd, "memory.swap"));
    LET(const auto text, text_of(cgroup_fd, "memory.stat"));
    found.raw = flat_keyed(text.value_or(""));
    LET(found.stall, read_stall(cgroup_fd, "memory.pressure"));
    return found;
}

Result<PidsStats> read_pids(int cgroup_fd) {
    PidsStats found;
    LET(const auto current, number_of(cgroup_fd, "pids.current"));
    if (!current) {
        LET(const auto pids, processes(cgroup_fd));
        found.current = pids.size();
        return found;
    }
    found.current = *current;
    LET(found.limit, number_or_zero(cgroup_fd, "pids.max"));
    return found;
}

Result<IoStats> read_io(int cgroup_fd) {
    LET(const auto text, text_of(cgroup_fd, "io.stat"));
    IoStats found = parse_io(text.value_or(""));
    LET(found.stall, read_stall(cgroup_fd, "io.pressure"));
    return found;
}

// "2MB" of "hugetlb.2MB.current"; empty for other files, also those of reservations.
std::string page_size_of(std::string_view file) {
    constexpr std::string_view prefix = "hugetlb.", suffix = ".current";
    if (!file.starts_with(prefix) || !file.ends_with(suffix)) return {};
    file.remove_prefix(prefix.size());
    if (file.size() <= suffix.size()) return {};
    file.remove_suffix(suffix.size());
    return file.find('.') == file.npos ? std::string(file) : std::string();
}

Result<std::map<std::string, HugePageStats>> read_huge_pages(int cgroup_fd) {
    std::map<std::string, HugePageStats> all;
    LET(const auto files, names_in(cgroup_fd));
    for (const std::string& file : files) {
        const std::string size = page_size_of(file);
        if (size.empty()) continue;
        HugePageStats& found = all[size];
        LET(found.usage, number_or_zero(cgroup_fd, file));
        LET(const auto text, text_of(cgroup_fd, cat("hugetlb.", size, ".events")));
        found.failures = flat_keyed(text.value_or(""))["max"];
    }
    return all;
}

// ---- the texts ------------------------------------------------------------------------------------------

double decimal_fraction(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::uint64_t whole(std::string_view text) { return parse_decimal<std::uint64_t>(text).value_or(0); }

Pressure pressure_of(const NestedRow& row) {
    Pressure found;
    for (const auto& [key, value] : row.pairs) {
        if (key == "avg10") found.avg10 = decimal_fraction(value);
        if (key == "avg60") found.avg60 = decimal_fraction(value);
        if (key == "avg300") found.avg300 = decimal_fraction(value);
        if (key == "total") found.total = whole(value);
    }
    return found;
}

// runc prints neither discards (dbytes, dios) nor the numbers of the cost model (cost.usage).
void add_device(IoStats& stats, const NestedRow& row, std::uint64_t major, std::uint64_t minor) {
    for (const auto& [key, value] : row.pairs) {
        const DeviceCount count{major, minor, key.starts_with('w'), whole(value)};
        if (key == "rbytes" || key == "wbytes") stats.bytes.push_back(count);
        if (key == "rios" || key == "wios") stats.operations.push_back(count);
    }
}

}  // namespace

CpuStats parse_cpu(std::string_view text) {
    constexpr std::uint64_t ns_per_us = 1000;
    auto rows = flat_keyed(text);
    return {.usage = rows["usage_usec"] * ns_per_us,
            .user = rows["user_usec"] * ns_per_us,
            .system = rows["system_usec"] * ns_per_us,
            .periods = rows["nr_periods"],
            .throttled_periods = rows["nr_throttled"],
            .throttled_time = rows["throttled_usec"] * ns_per_us,
            .stall = {}};
}

IoStats parse_io(std::string_view text) {
    IoStats found;
    for (const NestedRow& row : nested_keyed(text)) {
        const std::size_t colon = row.name.find(':');
        if (colon == row.name.npos) continue;
        const auto major = parse_decimal<std::uint64_t>(row.name.substr(0, colon));
        const auto minor = parse_decimal<std::uint64_t>(row.name.substr(colon + 1));
        if (major && minor) add_device(found, row, *major, *minor);
    }
    return found;
}

Stall parse_stall(std::string_view text) {
    Stall found;
    for (const NestedRow& row : nested_keyed(text)) {
        if (row.name == "some") found.some = pressure_of(row);
        if (row.name == "full") found.full = pressure_of(row);
    }
    return found;
}

Result<Stats> read_stats(int cgroup_fd) {
    Stats all;
    LET(all.cpu, read_cpu(cgroup_fd));
    LET(all.memory, read_memory(cgroup_fd));
    LET(all.pids, read_pids(cgroup_fd));
    LET(all.io, read_io(cgroup_fd));
    LET(all.huge_pages, read_huge_pages(cgroup_fd));
    return all;
}

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
