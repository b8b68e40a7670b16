// SPDX-License-Identifier: Apache-2.0
#include "spec/unsupported.hpp"

#include <algorithm>
#include <tuple>

namespace bulkhead::spec {

namespace {

bool asks_for_rdt(const IntelRdt& rdt) {
    return rdt.enable_monitoring || !rdt.clos_id.empty() || !rdt.schemata.empty() ||
           !rdt.l3_cache_schema.empty() || !rdt.mem_bw_schema.empty();
}

constexpr Unsupported table[] = {
    {"/linux/intelRdt", "",
     [](const Spec& spec) { return asks_for_rdt(spec.linux.intel_rdt.value_or(IntelRdt{})); }},
};

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
