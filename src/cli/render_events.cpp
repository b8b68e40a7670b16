// SPDX-License-Identifier: Apache-2.0
#include "cli/render_events.hpp"

#include <nlohmann/json.hpp>

namespace bulkhead::cli {

namespace {

using Json = nlohmann::ordered_json;

void add_unless_zero(Json& object, const char* key, std::uint64_t value) {
    if (value != 0) object[key] = value;
}

Json json_of(const cgroups::Pressure& pressure) {
    return {{"avg10", pressure.avg10},
            {"avg60", pressure.avg60},
            {"avg300", pressure.avg300},
            {"total", pressure.total}};
}

// Without pressure stall information in the kernel there is no key.
void add_stall(Json& object, const std::optional<cgroups::Stall>& stall) {
    if (stall) object["psi"] = {{"some", json_of(stall->some)}, {"full", json_of(stall->full)}};
}

Json json_of(const cgroups::CpuStats& cpu) {
    Json usage = Json::object(), throttling = Json::object();
    add_unless_zero(usage, "total", cpu.usage);
    usage["kernel"] = cpu.system;
    usage["user"] = cpu.user;
    add_unless_zero(throttling, "periods", cpu.periods);
    add_unless_zero(throttling, "throttledPeriods", cpu.throttled_periods);
    add_unless_zero(throttling, "throttledTime", cpu.throttled_time);
    Json object{{"usage", usage}, {"throttling", throttling}};
    add_stall(object, cpu.stall);
    return object;
}

// Flags of cgroup v1.
Json cpuset() {
    Json object = Json::object();
    for (const char* key :
         {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
          "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"})
        object[key] = 0;
    return object;
}

Json json_of(const cgroups::MemoryUse& use) {
    Json object{{"limit", use.limit}};
    add_unless_zero(object, "usage", use.usage);
    add_unless_zero(object, "max", use.peak);
    object["failcnt"] = 0;
    return object;
}

// Memory and swap together, as cgroup v1 counted; there is no peak of the sum. A sum with an unlimited part
// is unlimited. (runc's wraps to a small number if the memory alone is unlimited.)
cgroups::MemoryUse with_swap(const cgroups::MemoryStats& stats) {
    const std::uint64_t room = cgroups::unlimited - stats.memory.limit;
    return {.usage = stats.memory.usage + stats.swap.usage,
            .limit = stats.swap.limit > room ? cgroups::unlimited : stats.memory.limit + stats.swap.limit,
            .peak = 0};
}

Json json_of(const cgroups::MemoryStats& memory) {
    Json object = Json::object();
    const auto cache = memory.raw.find("file");
    add_unless_zero(object, "cache", cache == memory.raw.end() ? 0 : cache->second);
    object["usage"] = json_of(memory.memory);
    object["swap"] = json_of(with_swap(memory));
    object["kernel"] = json_of(cgroups::MemoryUse{});  // cgroup v2 does not tell these two apart
    object["kernelTCP"] = json_of(cgroups::MemoryUse{});
    if (!memory.raw.empty()) object["raw"] = memory.raw;
    add_stall(object, memory.stall);
    return object;
}

// No limit is 0 here, and not 2^64 - 1 as for memory.
Json json_of(const cgroups::PidsStats& pids) {
    Json object = Json::object();
    add_unless_zero(object, "current", pids.current);
    add_unless_zero(object, "limit", pids.limit == cgroups::unlimited ? 0 : pids.limit);
    return object;
}

void add_counts(Json& object, const char* key, const std::vector<cgroups::DeviceCount>& counts) {
    for (const cgroups::DeviceCount& count : counts) {
        Json entry = Json::object();
        add_unless_zero(entry, "major", count.major);
        add_unless_zero(entry, "minor", count.minor);
        entry["op"] = count.is_write ? "Write" : "Read";
        add_unless_zero(entry, "value", count.value);
        object[key].push_back(std::move(entry));
    }
}

Json json_of(const cgroups::IoStats& io) {
    Json object = Json::object();
    add_counts(object, "ioServiceBytesRecursive", io.bytes);
    add_counts(object, "ioServicedRecursive", io.operations);
    add_stall(object, io.stall);
    return object;
}

Json json_of(const std::map<std::string, cgroups::HugePageStats>& sizes) {
    Json object = Json::object();
    for (const auto& [size, stats] : sizes) {
        object[size] = Json::object();
        add_unless_zero(object[size], "usage", stats.usage);
        object[size]["failcnt"] = stats.failures;
    }
    return object;
}

// The last line about the resource, as runc finds it; none: "".
std::string schema_of(const std::vector<std::string>& lines, std::string_view resource) {
    std::string found;
    for (const std::string& line : lines)
        if (line.contains(resource)) found = line;
    return found;
}

void add_unless_empty(Json& object, const char* key, Json value) {
    if (!value.empty() && value != "") object[key] = std::move(value);
}

Json json_of(const cgroups::RdtStats::Cache& cache) {
    Json object = Json::object();
    add_unless_empty(object, "cbm_mask", cache.mask);
    add_unless_zero(object, "min_cbm_bits", cache.least_bits);
    add_unless_zero(object, "num_closids", cache.groups);
    return object;
}

Json json_of(const cgroups::RdtStats::Bandwidth& bandwidth) {
    Json object = Json::object();
    add_unless_zero(object, "bandwidth_gran", bandwidth.granularity);
    add_unless_zero(object, "delay_linear", bandwidth.is_linear);
    add_unless_zero(object, "min_bandwidth", bandwidth.least);
    add_unless_zero(object, "num_closids", bandwidth.groups);
    return object;
}

void add_traffic(Json& object, const cgroups::RdtStats& rdt) {
    for (const auto& each : rdt.traffic) {
        Json domain = Json::object();
        add_unless_zero(domain, "mbm_total_bytes", each.total);
        add_unless_zero(domain, "mbm_local_bytes", each.local);
        object["mbm_stats"].push_back(std::move(domain));
    }
    for (const std::uint64_t each : rdt.occupancy) {
        Json domain = Json::object();
        add_unless_zero(domain, "llc_occupancy", each);
        object["cmt_stats"].push_back(std::move(domain));
    }
}

// Empty, as runc's, for a container without a group.
Json json_of(const std::optional<cgroups::RdtStats>& rdt) {
    Json object = Json::object();
    if (!rdt) return object;
    if (rdt->cache) {
        object["l3_cache_info"] = json_of(*rdt->cache);
        add_unless_empty(object, "l3_cache_schema_root", schema_of(rdt->root_schemata, "L3"));
        add_unless_empty(object, "l3_cache_schema", schema_of(rdt->schemata, "L3"));
    }
    if (rdt->bandwidth) {
        object["mem_bw_info"] = json_of(*rdt->bandwidth);
        add_unless_empty(object, "mem_bw_schema_root", schema_of(rdt->root_schemata, "MB"));
        add_unless_empty(object, "mem_bw_schema", schema_of(rdt->schemata, "MB"));
    }
    add_unless_empty(object, "schemata", rdt->schemata);
    add_traffic(object, *rdt);
    return object;
}

std::string line(const Json& object) {
    return object.dump(-1, ' ', false, Json::error_handler_t::replace).append(1, '\n');
}

}  // namespace

std::string stats_line(std::string_view id, const cgroups::Stats& stats) {
    const Json data{{"cpu", json_of(stats.cpu)},
                    {"cpuset", cpuset()},
                    {"memory", json_of(stats.memory)},
                    {"pids", json_of(stats.pids)},
                    {"blkio", json_of(stats.io)},
                    {"hugetlb", json_of(stats.huge_pages)},
                    {"intel_rdt", json_of(stats.rdt)},
                    {"network_interfaces", nullptr}};  // runc has them for its own old veth pairs
    return line({{"type", "stats"}, {"id", id}, {"data", data}});
}

std::string oom_line(std::string_view id) { return line({{"type", "oom"}, {"id", id}}); }

}  // namespace bulkhead::cli
