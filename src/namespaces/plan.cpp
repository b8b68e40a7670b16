// SPDX-License-Identifier: Apache-2.0
#include "namespaces/plan.hpp"

#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace bulkhead::namespaces {

using spec::NamespaceType;

namespace {

struct Row {
    NamespaceType type;
    std::uint64_t flag;  // 0: not made by clone3
};
constexpr std::array rows{
    Row{NamespaceType::pid, CLONE_NEWPID},  Row{NamespaceType::network, CLONE_NEWNET},
    Row{NamespaceType::mount, CLONE_NEWNS}, Row{NamespaceType::ipc, CLONE_NEWIPC},
    Row{NamespaceType::uts, CLONE_NEWUTS},  Row{NamespaceType::user, CLONE_NEWUSER},
    Row{NamespaceType::cgroup, 0},          Row{NamespaceType::time, 0},
};
static_assert(std::ranges::all_of(rows, [](const Row& row) {
    return &row == &rows[static_cast<std::size_t>(row.type)];
}));

// Index of the config's entry for a new namespace of this type.
std::optional<std::size_t> entry_of(const spec::Spec& spec, NamespaceType type) {
    const auto& list = spec.linux.namespaces;
    const auto entry = std::ranges::find(list, type, &spec::Namespace::type);
    if (entry == list.end() || !entry->path.empty()) return std::nullopt;
    return static_cast<std::size_t>(entry - list.begin());
}

std::string pointer_to(std::size_t entry) { return cat("/linux/namespaces/", entry); }

}  // namespace

bool is_new(const spec::ValidSpec& spec, NamespaceType type) { return entry_of(*spec, type).has_value(); }

std::uint64_t clone_flags(const spec::ValidSpec& spec) {
    std::uint64_t flags = 0;
    for (const Row& row : rows)
        if (is_new(spec, row.type)) flags |= row.flag;
    return flags;
}

void plan_entry(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    if (const auto entry = entry_of(*spec, NamespaceType::cgroup))
        timeline.init(plan::UnshareNamespaces{CLONE_NEWCGROUP}, pointer_to(*entry));
    if (const auto entry = entry_of(*spec, NamespaceType::network))
        timeline.init(plan::RaiseLoopback{}, pointer_to(*entry));
}

void plan_names(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    if (!spec->hostname.empty()) timeline.init(plan::SetHostname{timeline.text(spec->hostname)}, "/hostname");
    if (!spec->domainname.empty())
        timeline.init(plan::SetDomainname{timeline.text(spec->domainname)}, "/domainname");
}

}  // namespace bulkhead::namespaces
