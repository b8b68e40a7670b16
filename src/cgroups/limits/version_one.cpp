// SPDX-License-Identifier: Apache-2.0
#include "cgroups/limits/version_one.hpp"

#include <optional>

#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

struct Ignored {
    std::string pointer;
    std::string value;
};
using List = std::vector<Ignored>;

template <class Number>
void add_positive(List& list, std::string pointer, const std::optional<Number>& value) {
    if (value.value_or(0) > 0) list.push_back({std::move(pointer), cat(*value)});
}

void add_memory(List& list, const spec::Memory& memory) {
    add_positive(list, "/memory/kernel", memory.kernel);
    add_positive(list, "/memory/kernelTCP", memory.kernel_tcp);
    if (memory.swappiness) list.push_back({"/memory/swappiness", cat(*memory.swappiness)});
    if (memory.disable_oom_killer.value_or(false)) list.push_back({"/memory/disableOOMKiller", "true"});
    // cgroup v2 always has a hierarchy.
    if (!memory.use_hierarchy.value_or(true)) list.push_back({"/memory/useHierarchy", "false"});
}

void add_block_io(List& list, const spec::BlockIo& io) {
    add_positive(list, "/blockIO/leafWeight", io.leaf_weight);
    for (std::size_t i = 0; i < io.weight_device.size(); ++i)
        add_positive(list, cat("/blockIO/weightDevice/", i, "/leafWeight"), io.weight_device[i].leaf_weight);
}

void add_network(List& list, const spec::Network& network) {
    add_positive(list, "/network/classID", network.class_id);
    std::vector<std::string> shown;
    for (const spec::NetworkPriority& each : network.priorities)
        shown.push_back(cat(quoted(each.name), " ", each.priority));
    if (!shown.empty()) list.push_back({"/network/priorities", join(shown, ", ")});
}

}  // namespace

std::vector<std::string> warnings_of_version_1(const spec::Resources& resources, std::string_view where) {
    List list;
    add_memory(list, resources.memory);
    add_positive(list, "/cpu/realtimeRuntime", resources.cpu.realtime_runtime);
    add_positive(list, "/cpu/realtimePeriod", resources.cpu.realtime_period);
    add_block_io(list, resources.block_io);
    add_network(list, resources.network);
    std::vector<std::string> warnings;
    for (const Ignored& each : list)
        warnings.push_back(
            cat(where, each.pointer, ": ", each.value,
                " is ignored: only cgroup v1 has such a value, and the container's cgroup is v2"));
    return warnings;
}

}  // namespace bulkhead::cgroups
