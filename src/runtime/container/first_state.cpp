// SPDX-License-Identifier: Apache-2.0
// The record of a container that does not exist yet.
#include "base/time.hpp"
#include "cgroups/resctrl/plan_resctrl.hpp"
#include "cgroups/systemd/unit.hpp"
#include "namespaces/id_maps.hpp"
#include "namespaces/plan.hpp"
#include "runtime/compile/hook.hpp"
#include "runtime/container/prepare.hpp"

namespace bulkhead::runtime {

namespace {

Result<UnitRecord> unit_record(const PreparedCreate& prepared) {
    if (!prepared.driver) return UnitRecord{};
    LET(cgroups::Unit unit, cgroups::unit_of(prepared.bundle.spec->linux.cgroups_path, prepared.options.id,
                                             prepared.host.systemd_of_user));
    return UnitRecord{std::move(unit.name), {}, prepared.driver->addresses};
}

Result<RdtRecord> rdt_record(const PreparedCreate& prepared) {
    LET(auto place, cgroups::rdt_place(prepared.bundle.spec, prepared.options.id, prepared.host));
    RdtRecord record;
    if (!place) return record;
    record.mount = std::move(place->mount);
    record.path = std::move(place->path);
    record.shared = place->named;
    record.monitoring = std::move(place->monitoring);
    return record;
}

}  // namespace

Result<State> first_state(const PreparedCreate& prepared) {
    LET(std::string cgroup, cgroup_path(prepared.options, prepared.bundle.spec, prepared.host));
    const plan::IdMaps maps =
        namespaces::maps_of_helpers(prepared.bundle.spec->linux, prepared.host).value_or(plan::IdMaps{});
    LET(UnitRecord unit, unit_record(prepared));
    LET(RdtRecord rdt, rdt_record(prepared));
    return State{.id = prepared.options.id,
                 .bundle = prepared.bundle.path,
                 .rootfs = prepared.bundle.root,
                 .created = rfc3339_now(),
                 .annotations = prepared.bundle.spec->annotations,
                 .cgroup_mount = prepared.host.cgroup_mount,
                 .cgroup_path = std::move(cgroup),
                 .private_pids = namespaces::is_new(prepared.bundle.spec, spec::NamespaceType::pid),
                 .new_keyring = prepared.options.new_keyring,
                 .cgroup_optional = prepared.options.cgroup_optional && !prepared.options.systemd,
                 .uid_map = maps.uids,
                 .gid_map = maps.gids,
                 .later_hooks = has_later_hooks(prepared.bundle.spec),
                 .has_program = prepared.bundle.spec.has_program(),
                 .rdt = std::move(rdt),
                 .unit = std::move(unit)};
}

}  // namespace bulkhead::runtime
