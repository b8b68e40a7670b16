// SPDX-License-Identifier: Apache-2.0
#include "cgroups/resctrl/resctrl_stats.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

// 0 if the kernel does not have the file, or no number for it ("Unavailable", "Error").
std::uint64_t number_in(const std::string& path) {
    const auto line = read_kernel_line(sys::here, path);
    return line ? parse_decimal<std::uint64_t>(*line).value_or(0) : 0;
}

bool is_there(const std::string& path) { return sys::status_at(sys::here, path).has_value(); }

// The lines of schemata without the blanks that align them.
Result<std::vector<std::string>> lines_of(const std::string& group) {
    std::vector<std::string> lines;
    const auto text = read_kernel_file(sys::here, cat(group, "/schemata"));
    if (!text && text.error().kind == Kind::not_found) return lines;
    if (!text) return std::unexpected(text.error());
    for (const std::string_view line : split(*text, '\n'))
        if (const std::size_t first = line.find_first_not_of(' '); first != line.npos)
            lines.emplace_back(line.substr(first));
    return lines;
}

Result<std::optional<RdtStats::Cache>> cache_of(const std::string& info) {
    if (!is_there(info)) return std::nullopt;
    LET(std::string mask, read_kernel_line(sys::here, cat(info, "/cbm_mask")));
    return RdtStats::Cache{std::move(mask), number_in(cat(info, "/min_cbm_bits")),
                           number_in(cat(info, "/num_closids"))};
}

std::optional<RdtStats::Bandwidth> bandwidth_of(const std::string& info) {
    if (!is_there(info)) return std::nullopt;
    return RdtStats::Bandwidth{number_in(cat(info, "/bandwidth_gran")), number_in(cat(info, "/delay_linear")),
                               number_in(cat(info, "/min_bandwidth")), number_in(cat(info, "/num_closids"))};
}

// Reads mon_data/mon_L3_00 and so on, one for each cache.
Result<> add_counts(RdtStats& stats, const std::string& group) {
    const std::string place = cat(group, "/mon_data");
    const auto directory = sys::open(place, O_RDONLY | O_DIRECTORY);
    if (!directory && directory.error().kind == Kind::not_found) return {};
    if (!directory) return std::unexpected(directory.error());
    LET(const std::vector<std::string> domains, names_in(directory->number()));
    for (const std::string& each : domains) {
        if (!each.starts_with("mon_L3_")) continue;
        const std::string domain = cat(place, '/', each);
        const std::string total = cat(domain, "/mbm_total_bytes"), local = cat(domain, "/mbm_local_bytes");
        const std::string occupancy = cat(domain, "/llc_occupancy");
        if (is_there(total) || is_there(local)) stats.traffic.push_back({number_in(total), number_in(local)});
        if (is_there(occupancy)) stats.occupancy.push_back(number_in(occupancy));
    }
    return {};
}

}  // namespace

Result<RdtStats> read_rdt_stats(const std::string& mount, const std::string& path,
                                const std::string& monitoring) {
    RdtStats stats;
    LET(stats.cache, cache_of(cat(mount, "/info/L3")));
    stats.bandwidth = bandwidth_of(cat(mount, "/info/MB"));
    LET(stats.root_schemata, lines_of(mount));
    LET(stats.schemata, lines_of(path));
    TRY(add_counts(stats, monitoring.empty() ? path : monitoring));
    return stats;
}

}  // namespace bulkhead::cgroups
