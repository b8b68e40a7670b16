// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/unit_properties.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

using plan::UnitProperty;
using Properties = std::vector<UnitProperty>;

constexpr std::uint64_t infinity = std::numeric_limits<std::uint64_t>::max();

UnitProperty truth(std::string name) { return {std::move(name), "b", {"true"}}; }
UnitProperty word(std::string name, std::string value) { return {std::move(name), "s", {std::move(value)}}; }
UnitProperty number(std::string_view name, std::uint64_t value) {
    return {std::string(name), "t", {cat(value)}};
}

// "max", digits, or digits followed by K, M or G, as in the kernel's memparse.
std::optional<std::uint64_t> amount(std::string_view text) {
    if (text == "max") return infinity;
    const std::size_t end = text.find_first_not_of("0123456789");
    const auto value = parse_decimal<std::uint64_t>(text.substr(0, end));
    if (!value || end == text.npos) return value;
    constexpr std::string_view units = "KMG";
    const char unit = text[end] >= 'a' ? static_cast<char>(text[end] - 'a' + 'A') : text[end];
    const std::size_t power = units.find(unit);
    const std::size_t shift = 10 * (power + 1);
    if (power == units.npos || end + 1 != text.size() || *value > infinity >> shift) return std::nullopt;
    return *value << shift;
}

// ---- one file -> its properties, none if systemd has nothing like the text -----------------------------

Properties of_amount(std::string_view name, std::string_view text, const Present&) {
    const auto value = amount(text);
    return value ? Properties{number(name, *value)} : Properties();
}

// "100", "default 100". The weight of a single device has no property here.
Properties of_weight(std::string_view name, std::string_view text, const Present&) {
    if (text.starts_with("default ")) text.remove_prefix(8);
    const auto value = parse_decimal<std::uint64_t>(text);
    return value ? Properties{number(name, *value)} : Properties();
}

// CPUWeight=idle is 0 on the bus. An unset weight ends that.
Properties of_idle(std::string_view name, std::string_view text, const Present& present) {
    if (text == "1") return {number(name, 0)};
    return text == "0" && present.cpu_weight == "0" ? Properties{number(name, infinity)} : Properties();
}

Properties of_switch(std::string_view name, std::string_view text, const Present&) {
    if (text != "0" && text != "1") return {};
    return {{std::string(name), "b", {text == "1" ? "true" : "false"}}};
}

// "2-3,8" as bytes; the lowest CPU is the lowest bit of the first one. "\n" empties the file: no bytes.
Properties of_list(std::string_view name, std::string_view text, const Present&) {
    if (text == "\n") return {{std::string(name), "ay", {"0"}}};
    constexpr std::uint32_t limit = 8192;  // the most CPUs that a kernel can be built for
    std::vector<std::uint8_t> mask;
    for (const std::string_view range : split(text, ',')) {
        const std::size_t dash = range.find('-');
        const auto first = parse_decimal<std::uint32_t>(range.substr(0, dash));
        const auto last = dash == range.npos ? first : parse_decimal<std::uint32_t>(range.substr(dash + 1));
        if (!first || !last || *first > *last || *last >= limit) return {};
        if (mask.size() <= *last / 8) mask.resize(*last / 8 + 1);
        for (std::uint32_t bit = *first; bit <= *last; ++bit)
            mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 1u << bit % 8);
    }
    std::vector<std::string> values{cat(mask.size())};
    for (const std::uint8_t byte : mask) values.push_back(cat(byte));
    return {{std::string(name), "ay", std::move(values)}};
}

// Microseconds of CPU time for each second, rounded up to systemd's step of 10 ms. Rounding down could take
// time from a cgroup below that was promised it.
std::uint64_t quota_per_second(std::uint64_t quota, std::uint64_t period) {
    constexpr std::uint64_t second = 1'000'000, step = 10'000;
    if (quota > infinity / second - period) return infinity;
    const std::uint64_t exact = quota * second / period;
    return (exact + step - 1) / step * step;
}

// "50000 100000"
Properties of_bandwidth(std::string_view name, std::string_view text, const Present& present) {
    const auto fields = split(text, ' ');
    const std::string_view period_text = fields.size() > 1 ? fields[1] : split(present.cpu_max, ' ').back();
    const auto quota = amount(fields[0]), period = parse_decimal<std::uint64_t>(period_text);
    if (!quota || !period || *period == 0) return {};
    Properties properties;
    if (fields.size() > 1) properties.push_back(number("CPUQuotaPeriodUSec", *period));
    properties.push_back(number(name, *quota == infinity ? infinity : quota_per_second(*quota, *period)));
    return properties;
}

// The OOM killer ends the whole group ("1") or one process. systemd writes this file itself, for OOMPolicy.
Properties of_oom_group(std::string_view name, std::string_view text, const Present&) {
    if (text != "0" && text != "1") return {};
    return {word(std::string(name), text == "1" ? "kill" : "continue")};
}

struct Row {
    std::string_view file;
    std::string_view property;
    unsigned since;  // version of systemd
    Properties (*convert)(std::string_view property, std::string_view text, const Present& present);
    bool of_new_scope = false;  // systemd takes it only while it makes a scope
};
constexpr Row rows[] = {
    {"cpu.idle", "CPUWeight", 252, of_idle},
    {"cpu.max", "CPUQuotaPerSecUSec", 242, of_bandwidth},
    {"cpu.weight", "CPUWeight", 232, of_weight},
    {"cpuset.cpus", "AllowedCPUs", 244, of_list},
    {"cpuset.mems", "AllowedMemoryNodes", 244, of_list},
    {"io.weight", "IOWeight", 230, of_weight},
    {"memory.high", "MemoryHigh", 231, of_amount},
    {"memory.low", "MemoryLow", 231, of_amount},
    {"memory.max", "MemoryMax", 231, of_amount},
    {"memory.min", "MemoryMin", 240, of_amount},
    {"memory.oom.group", "OOMPolicy", 253, of_oom_group, true},
    {"memory.swap.max", "MemorySwapMax", 232, of_amount},
    {"memory.zswap.max", "MemoryZSwapMax", 253, of_amount},
    {"memory.zswap.writeback", "MemoryZSwapWriteback", 256, of_switch},
    {"pids.max", "TasksMax", 227, of_amount},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::file));

const Row* row_of(std::string_view file) {
    const auto* const row = std::ranges::find(rows, file, &Row::file);
    return row == std::end(rows) ? nullptr : row;
}

}  // namespace

Properties properties_of_unit(const Unit& unit, std::string_view id) {
    Properties properties{word("Description", cat("bulkhead container ", id))};
    if (unit.is_slice()) {
        properties.push_back({"Wants", "as", {"1", unit.slice}});
    } else {
        properties.push_back(word("Slice", unit.slice));
        properties.push_back(truth("Delegate"));
        properties.push_back(word("CollectMode", "inactive-or-failed"));
    }
    for (const char* name : {"MemoryAccounting", "CPUAccounting", "IOAccounting", "TasksAccounting"})
        properties.push_back(truth(name));
    properties.push_back({"DefaultDependencies", "b", {"false"}});
    return properties;
}

Properties properties_of_limits(std::span<const plan::CgroupSetting> settings, unsigned version,
                                const Present& present, bool new_scope) {
    const bool has_weight = std::ranges::count(settings, "cpu.weight", &plan::CgroupSetting::file) != 0;
    Properties properties;
    for (const plan::CgroupSetting& each : settings) {
        if (has_weight && each.file == "cpu.idle" && each.text == "0") continue;
        const bool other = row_of(each.file) == nullptr && !each.other_file.empty();
        const Row* row = row_of(other ? each.other_file : each.file);
        if (row == nullptr || version < row->since || (row->of_new_scope && !new_scope)) continue;
        std::ranges::move(row->convert(row->property, other ? each.other_text : each.text, present),
                          std::back_inserter(properties));
    }
    return properties;
}

unsigned systemd_version(std::string_view text) {
    if (text.starts_with('v')) text.remove_prefix(1);
    return parse_decimal<unsigned>(text.substr(0, text.find_first_not_of("0123456789"))).value_or(0);
}

}  // namespace bulkhead::cgroups
