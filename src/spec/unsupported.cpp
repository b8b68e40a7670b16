// SPDX-License-Identifier: Apache-2.0
#include "spec/unsupported.hpp"

#include <algorithm>
#include <tuple>

namespace bulkhead::spec {

namespace {

bool has_namespace(const Spec& spec, NamespaceType type) {
    return std::ranges::count(spec.linux.namespaces, type, &Namespace::type) > 0;
}

bool asks_for_rdt(const IntelRdt& rdt) {
    return rdt.enable_monitoring || !rdt.clos_id.empty() || !rdt.schemata.empty() ||
           !rdt.l3_cache_schema.empty() || !rdt.mem_bw_schema.empty();
}

// The rows about resources are the limits: what would write a cgroup v2 file. 0 is "unset" to runc for all
// but pids.limit, cpu.burst and cpu.idle.
constexpr auto is_set = [](const auto& value) { return value.value_or(0) != 0; };

// A row for a member that is a string, list, map or optional and not there, or empty, if nobody asks for it.
#define IF_GIVEN(member) [](const Spec& spec) { return !spec.member.empty(); }
#define IF_PRESENT(member) [](const Spec& spec) { return spec.member.has_value(); }
#define IF_SET(member) [](const Spec& spec) { return is_set(spec.member); }
// The condition follows `spec.process->`.
#define IF_PROCESS(condition) [](const Spec& spec) { return spec.process && (spec.process->condition); }
#define IF_ANY(list, condition)                                                              \
    [](const Spec& spec) {                                                                   \
        return std::ranges::any_of(spec.list, [](const auto& each) { return (condition); }); \
    }

constexpr Unsupported table[] = {
    {"/linux/intelRdt", "",
     [](const Spec& spec) { return asks_for_rdt(spec.linux.intel_rdt.value_or(IntelRdt{})); }},
    {"/linux/memoryPolicy", "", IF_PRESENT(linux.memory_policy)},
    {"/linux/namespaces", "no mount namespace",
     [](const Spec& spec) { return !has_namespace(spec, NamespaceType::mount); }},
    {"/linux/resources/blockIO/throttleReadBpsDevice", "",
     IF_GIVEN(linux.resources.block_io.throttle_read_bps_device)},
    {"/linux/resources/blockIO/throttleReadIOPSDevice", "",
     IF_GIVEN(linux.resources.block_io.throttle_read_iops_device)},
    {"/linux/resources/blockIO/throttleWriteBpsDevice", "",
     IF_GIVEN(linux.resources.block_io.throttle_write_bps_device)},
    {"/linux/resources/blockIO/throttleWriteIOPSDevice", "",
     IF_GIVEN(linux.resources.block_io.throttle_write_iops_device)},
    {"/linux/resources/blockIO/weight", "", IF_SET(linux.resources.block_io.weight)},
    {"/linux/resources/blockIO/weightDevice/*/weight", "",
     IF_ANY(linux.resources.block_io.weight_device, is_set(each.weight))},
    {"/linux/resources/cpu/burst", "", IF_PRESENT(linux.resources.cpu.burst)},
    {"/linux/resources/cpu/cpus", "", IF_GIVEN(linux.resources.cpu.cpus)},
    {"/linux/resources/cpu/idle", "", IF_PRESENT(linux.resources.cpu.idle)},
    {"/linux/resources/cpu/mems", "", IF_GIVEN(linux.resources.cpu.mems)},
    {"/linux/resources/cpu/period", "", IF_SET(linux.resources.cpu.period)},
    {"/linux/resources/cpu/quota", "", IF_SET(linux.resources.cpu.quota)},
    {"/linux/resources/cpu/shares", "", IF_SET(linux.resources.cpu.shares)},
    {"/linux/resources/hugepageLimits", "", IF_GIVEN(linux.resources.hugepage_limits)},
    {"/linux/resources/memory/limit", "", IF_SET(linux.resources.memory.limit)},
    {"/linux/resources/memory/reservation", "", IF_SET(linux.resources.memory.reservation)},
    {"/linux/resources/memory/swap", "", IF_SET(linux.resources.memory.swap)},
    {"/linux/resources/pids/limit", "", IF_PRESENT(linux.resources.pids.limit)},
    {"/linux/resources/rdma", "",
     IF_ANY(linux.resources.rdma, each.second.hca_handles || each.second.hca_objects)},
    {"/linux/resources/unified", "", IF_GIVEN(linux.resources.unified)},
};

#undef IF_ANY
#undef IF_PROCESS
#undef IF_SET
#undef IF_PRESENT
#undef IF_GIVEN

constexpr auto by_pointer_and_value = [](const Unsupported& row) {
    return std::tuple(row.pointer, row.value);
};
static_assert(std::ranges::is_sorted(table, {}, by_pointer_and_value));

}  // namespace

std::span<const Unsupported> unsupported_properties() { return table; }

Result<> check_supported(const Spec& spec) {
    for (const Unsupported& row : table)
        if (row.asked_for(spec))
            return fail(Kind::unsupported, "config.json: ", row.pointer, row.value.empty() ? "" : ": ",
                        row.value, ": not supported yet");
    return {};
}

}  // namespace bulkhead::spec
