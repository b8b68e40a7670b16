// SPDX-License-Identifier: Apache-2.0
#include "namespaces/plan.hpp"

#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <string>

#include "namespaces/id_maps.hpp"
#include "spec/kernel_parameters.hpp"

namespace bulkhead::namespaces {

using plan::TimelineBuilder;
using spec::NamespaceType;

namespace {

// The maker of a new namespace of a type, if nothing else decides.
enum class Maker : std::uint8_t {
    clone,    // clone3
    unshare,  // the stage: a cgroup namespace takes the unsharing process's cgroup as its root, and the
              // offsets of a time namespace are written before a process is in it
};

struct Row {
    NamespaceType type;
    std::uint32_t flag;
    Maker maker;
};
constexpr std::array rows{
    Row{NamespaceType::pid, CLONE_NEWPID, Maker::clone},
    Row{NamespaceType::network, CLONE_NEWNET, Maker::clone},
    Row{NamespaceType::mount, CLONE_NEWNS, Maker::clone},
    Row{NamespaceType::ipc, CLONE_NEWIPC, Maker::clone},
    Row{NamespaceType::uts, CLONE_NEWUTS, Maker::clone},
    Row{NamespaceType::user, CLONE_NEWUSER, Maker::clone},
    Row{NamespaceType::cgroup, CLONE_NEWCGROUP, Maker::unshare},
    Row{NamespaceType::time, CLONE_NEWTIME, Maker::unshare},
};
static_assert(std::ranges::all_of(rows, [](const Row& row) {
    return &row == &rows[static_cast<std::size_t>(row.type)];
}));

const Row& row_of(NamespaceType type) { return rows[static_cast<std::size_t>(type)]; }

// The index of the config's entry of this type, new or joined.
std::optional<std::size_t> entry_of(const spec::Spec& spec, NamespaceType type) {
    const auto& list = spec.linux.namespaces;
    const auto entry = std::ranges::find(list, type, &spec::Namespace::type);
    if (entry == list.end()) return std::nullopt;
    return static_cast<std::size_t>(entry - list.begin());
}

std::optional<std::size_t> new_entry(const spec::Spec& spec, NamespaceType type) {
    const auto entry = entry_of(spec, type);
    return entry && spec.linux.namespaces[*entry].path.empty() ? entry : std::nullopt;
}

bool is_joined(const spec::Spec& spec, NamespaceType type) {
    const auto entry = entry_of(spec, type);
    return entry && !spec.linux.namespaces[*entry].path.empty();
}

std::string pointer_to(std::size_t entry) { return cat("/linux/namespaces/", entry); }

// ---- the maker of each namespace -----------------------------------------------------------------------

// The ids that make the ipc namespace own /dev/mqueue, so it must wait for the maps.
bool waits_for_maps(NamespaceType type) { return type == NamespaceType::ipc; }

// From 6.3 on, the first process of a new time namespace enters it by execve (6.18 does, 6.1 does not).
// Before, only its children are inside. A child is right on every kernel.
bool time_needs_child(const spec::Spec& spec, const plan::HostFacts& host) {
    return new_entry(spec, NamespaceType::time) && !host.kernel_at_least(6, 3);
}

bool made_by_clone(const spec::Spec& spec, const plan::HostFacts& host, const Row& row) {
    // Below a joined user namespace the stage makes every new namespace, so that the user namespace owns it.
    if (row.maker == Maker::unshare || is_joined(spec, NamespaceType::user)) return false;
    if (row.type == NamespaceType::pid && time_needs_child(spec, host)) return false;
    return !(new_entry(spec, NamespaceType::user) && waits_for_maps(row.type));
}

std::uint64_t flags_where(const spec::Spec& spec, auto wanted) {
    std::uint64_t flags = 0;
    for (const Row& row : rows)
        if (new_entry(spec, row.type) && wanted(row)) flags |= row.flag;
    return flags;
}

// The container's new user namespace does not own a joined namespace, so that must be entered before: the
// host is in it for the moment of clone3.
bool joined_by_host(const spec::Spec& spec) { return new_entry(spec, NamespaceType::user).has_value(); }

// ---- what must not be joined ---------------------------------------------------------------------------

// The reason why the runtime's own namespace of this type must not be joined.
std::string refusal_of_own(const spec::Spec& spec, NamespaceType type) {
    if (type == NamespaceType::mount) return "the root would be changed for the host itself";
    return parameter_refusal(spec, type);
}

// ---- entering -------------------------------------------------------------------------------------------

void plan_join(TimelineBuilder& timeline, const spec::Spec& spec, const Joins& joins, NamespaceType type) {
    const auto entry = entry_of(spec, type);
    if (!entry || !joins[*entry]) return;
    timeline.init(plan::JoinNamespace{*joins[*entry], row_of(type).flag}, pointer_to(*entry));
}

// With privileges the user namespace comes last, because no process can enter from inside it a namespace that
// it does not own. Without, it comes first, because only inside there are privileges.
void plan_stage_joins(TimelineBuilder& timeline, const spec::Spec& spec, const plan::HostFacts& host,
                      const Joins& joins) {
    if (!host.privileged) plan_join(timeline, spec, joins, NamespaceType::user);
    for (const Row& row : rows)
        if (row.type != NamespaceType::user) plan_join(timeline, spec, joins, row.type);
    if (!is_joined(spec, NamespaceType::user)) return;
    if (host.privileged) {
        // The user namespace may deny setgroups.
        timeline.init(plan::SetGroups{timeline.numbers({})}, "/linux/namespaces");
        plan_join(timeline, spec, joins, NamespaceType::user);
    }
    const plan::InnerIds ids = inner_ids(spec.linux.uid_mappings, spec.linux.gid_mappings);
    timeline.init(plan::AssumeIds{ids.uid, ids.gid}, "/linux/namespaces");
}

void plan_unshare(TimelineBuilder& timeline, const spec::Spec& spec, const plan::HostFacts& host) {
    for (const Row& row : rows)
        if (const auto entry = new_entry(spec, row.type); entry && !made_by_clone(spec, host, row))
            timeline.init(plan::UnshareNamespaces{row.flag}, pointer_to(*entry));
}

void plan_clocks(TimelineBuilder& timeline, const spec::Spec& spec) {
    if (spec.linux.time_offsets.empty()) return;
    std::string lines;
    for (const auto& [clock, offset] : spec.linux.time_offsets)
        lines.append(cat(clock == spec::Clock::monotonic ? "monotonic " : "boottime ", offset.secs, ' ',
                         offset.nanosecs, '\n'));
    timeline.init(plan::OpenProcfs{0}, "/linux/timeOffsets");
    timeline.init(plan::SetTimeOffsets{timeline.text(lines)}, "/linux/timeOffsets");
}

bool has_network_parameter(const spec::Spec& spec) {
    return std::ranges::any_of(spec.linux.sysctl, [](const auto& parameter) {
        return parameter.first.starts_with("net.") || parameter.first.starts_with("net/");
    });
}

}  // namespace

bool is_new(const spec::ValidSpec& spec, NamespaceType type) { return new_entry(*spec, type).has_value(); }

Birth birth_of(const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (new_entry(*spec, NamespaceType::pid) && !made_by_clone(*spec, host, row_of(NamespaceType::pid)))
        return Birth::early;
    if (time_needs_child(*spec, host)) return Birth::early;
    if (is_joined(*spec, NamespaceType::pid) && !joined_by_host(*spec)) return Birth::late;
    return Birth::at_spawn;
}

bool denies_groups(const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (host.groups_denied) return true;  // a user namespace below inherits the denial
    return is_new(spec, NamespaceType::user) && !host.privileged &&
           writes_alone(spec->linux.uid_mappings, spec->linux.gid_mappings, host.uid, host.gid);
}

bool writes_procfs(const spec::ValidSpec& spec) { return !spec->linux.sysctl.empty(); }

Joins plan_joins(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    Joins joins;
    const auto& list = spec->linux.namespaces;
    for (std::size_t i = 0; i < list.size(); ++i) {
        joins.emplace_back();
        if (list[i].path.empty()) continue;
        joins.back() = timeline.slot();
        timeline.host(plan::OpenNamespace{.path = list[i].path,
                                          .type = row_of(list[i].type).flag,
                                          .slot = *joins.back(),
                                          .refused_as_own = refusal_of_own(*spec, list[i].type)},
                      pointer_to(i) + "/path");
    }
    return joins;
}

Result<> plan_spawn(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                    const Joins& joins, bool waits, std::vector<plan::Birthplace> otherwise) {
    const bool any_user = entry_of(*spec, NamespaceType::user).has_value();
    if (!host.privileged && !any_user)
        return fail(Kind::unsupported,
                    "config.json: /linux/namespaces: rootless container requires user namespaces");
    plan::Spawn spawn{flags_where(*spec, [&](const Row& row) { return made_by_clone(*spec, host, row); })};
    spawn.awaits_preparation = any_user || waits;
    spawn.otherwise = std::move(otherwise);
    if (joined_by_host(*spec))
        for (std::size_t i = 0; i < joins.size(); ++i)
            if (joins[i]) spawn.inherited.push_back({*joins[i], row_of(spec->linux.namespaces[i].type).flag});
    if (is_new(spec, NamespaceType::user))
        spawn.ids = inner_ids(spec->linux.uid_mappings, spec->linux.gid_mappings);
    timeline.host(std::move(spawn), "/linux/namespaces");
    return {};
}

Result<> plan_preparation(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                          bool waits) {
    if (is_new(spec, NamespaceType::user)) TRY(plan_id_maps(timeline, spec->linux, host));
    if (const auto& score = spec.process().oom_score_adj)
        timeline.host(plan::SetOomScore{*score}, "/process/oomScoreAdj");
    const bool any_user = entry_of(*spec, NamespaceType::user).has_value();
    if (any_user || waits) timeline.host(plan::SendPrepared{}, any_user ? "/linux/namespaces" : "");
    return {};
}

void plan_entry(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                const Joins& joins) {
    if (!joined_by_host(*spec)) plan_stage_joins(timeline, *spec, host, joins);
    plan_unshare(timeline, *spec, host);
    plan_clocks(timeline, *spec);
    if (birth_of(spec, host) != Birth::early) return;
    timeline.init(plan::Respawn{}, "/linux/namespaces");
    timeline.host(plan::AwaitRespawn{}, "/linux/namespaces");
}

std::uint64_t types_of(const spec::ValidSpec& spec) {
    std::uint64_t flags = 0;
    for (const spec::Namespace& each : spec->linux.namespaces) flags |= row_of(each.type).flag;
    return flags;
}

std::vector<plan::Inherited> namespaces_of_children(TimelineBuilder& timeline, const spec::ValidSpec& spec,
                                                    bool unborn) {
    std::vector<plan::Inherited> list;
    if (unborn) list.push_back({timeline.slot(), CLONE_NEWPID});
    if (is_new(spec, NamespaceType::time)) list.push_back({timeline.slot(), CLONE_NEWTIME});
    return list;
}

void plan_container_entry(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                          const plan::FindInit& init, std::uint64_t flags) {
    for (const plan::Inherited& each : init.of_children) flags &= ~std::uint64_t{each.flag};
    const auto join_those_of_children = [&] {
        for (const plan::Inherited& each : init.of_children)
            timeline.init(plan::JoinNamespace{each.file, each.flag}, "/linux/namespaces");
    };
    const bool user = (flags & CLONE_NEWUSER) != 0;
    if (user && host.privileged)  // the user namespace may deny setgroups
        timeline.init(plan::SetGroups{timeline.numbers({})}, "/linux/namespaces");
    if (host.privileged) join_those_of_children();  // a user namespace may refuse them from inside
    if (flags != 0) timeline.init(plan::JoinContainer{init.process, flags}, "/linux/namespaces");
    if (!host.privileged) join_those_of_children();
    if (!user) return;
    const plan::InnerIds ids = inner_ids(spec->linux.uid_mappings, spec->linux.gid_mappings);
    timeline.init(plan::AssumeIds{ids.uid, ids.gid}, "/linux/namespaces");
}

Result<> plan_network(TimelineBuilder& timeline, const spec::ValidSpec& spec, const plan::HostFacts& host,
                      const Joins& joins) {
    if (host.rootless() && !spec->linux.net_devices.empty())
        return fail(
            Kind::unsupported,
            "config.json: /linux/netDevices: network devices are not supported for rootless containers");
    const auto entry = entry_of(*spec, NamespaceType::network);
    if (entry && !joins[*entry]) timeline.init(plan::RaiseLoopback{}, pointer_to(*entry));
    for (const auto& [name, device] : spec->linux.net_devices)
        timeline.host(plan::MoveNetDevice{.host_name = name,
                                          .name = device.name.empty() ? name : device.name,
                                          .file = entry ? joins[*entry] : std::nullopt},
                      cat("/linux/netDevices/", pointer_token(name)));
    if (!spec->linux.net_devices.empty() && has_network_parameter(*spec)) {  // net.ipv4.conf.DEVICE.*
        timeline.host(plan::SendGo{}, "/linux/netDevices");
        timeline.init(plan::AwaitGo{}, "/linux/netDevices");
    }
    return {};
}

void plan_names(TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    if (!spec->hostname.empty()) timeline.init(plan::SetHostname{timeline.text(spec->hostname)}, "/hostname");
    if (!spec->domainname.empty())
        timeline.init(plan::SetDomainname{timeline.text(spec->domainname)}, "/domainname");
}

void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    for (const auto& [key, value] : spec->linux.sysctl) {
        const auto path = spec::kernel_parameter_path(key);
        if (!path) continue;  // validation refuses such a key
        timeline.init(plan::SetSysctl{timeline.text(*path), timeline.text(value)},
                      cat("/linux/sysctl/", pointer_token(key)));
    }
}

std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type) {
    for (const auto& [key, value] : spec.linux.sysctl) {
        const auto path = spec::kernel_parameter_path(key);
        if (path && spec::namespace_of_parameter(*path) == type)
            return cat("sysctl ", quoted(key), ' ', spec::shared_with_host(type));
    }
    return {};
}

}  // namespace bulkhead::namespaces
