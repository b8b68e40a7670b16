// SPDX-License-Identifier: Apache-2.0
// The phases before the container's first process: the record, the cgroup with its limits, and what the
// container needs of the host.
#include <algorithm>

#include "cgroups/group/delegation.hpp"
#include "cgroups/limits/controllers.hpp"
#include "cgroups/limits/resources.hpp"
#include "cgroups/resctrl/plan_resctrl.hpp"
#include "cgroups/systemd/unit.hpp"
#include "cgroups/systemd/unit_properties.hpp"
#include "runtime/compile/creation.hpp"

namespace bulkhead::runtime {

// The record comes first, so that every later effect can be removed; then the cgroup that the first process
// is born into, with its limits. systemd makes one only around a process (plan_unit).
Result<> Creation::plan_record_and_cgroup() {
    LET(cgroup_, cgroup_path(options_, spec_, host_));
    timeline_.host(plan::MakeStateDirectory{options_.state_directory});
    timeline_.host(plan::RecordIntent{});
    if (!cgroup_.empty() && !options_.systemd) TRY(plan_cgroup());
    LET(const auto place, cgroups::rdt_place(spec_, options_.id, host_));
    if (!place) return {};
    cgroups::plan_rdt_groups(timeline_, spec_, *place);
    rdt_ = plan::JoinRdtGroup{place->mount, place->path, place->monitoring};
    return {};
}

Result<> Creation::plan_cgroup() {
    timeline_.host(plan::MakeCgroup{host_.cgroup_mount, cgroup_, may_go_without_cgroup(options_, spec_)},
                   "/linux/cgroupsPath");
    LET(auto settings, cgroups::settings_of(spec_->linux.resources));
    plan_limits(cgroup_, std::move(settings));
    return {};
}

void Creation::plan_limits(const std::string& path, std::vector<plan::CgroupSetting> settings) {
    timeline_.host(plan::RecordCgroup{});
    timeline_.host(plan::EnableControllers{host_.cgroup_mount, path, cgroups::controllers_of(settings)},
                   "/linux/resources");
    if (!settings.empty()) timeline_.host(plan::LimitCgroup{std::move(settings)}, "/linux/resources");
    cgroups::plan_delegation(timeline_, spec_, host_);
}

// Opens everything of the host that the container needs, so that a missing thing is an error before there is
// a process.
Result<> Creation::plan_host_resources() {
    if (!options_.console_socket.empty()) timeline_.host(plan::ConnectConsole{options_.console_socket});
    joins_ = namespaces::plan_joins(timeline_, spec_);
    if (options_.notify) {
        notify_ = timeline_.slot();
        timeline_.host(plan::MakeNotifySocket{*notify_});
    }
    inputs_ = inputs();
    LET(trees_, rootfs::plan_trees(timeline_, spec_, inputs_));
    if (options_.await_start) {
        fifo_ = timeline_.slot();
        timeline_.host(plan::MakeStartFifo{fifo_});
    }
    if (notifies_) {
        handshake_ = timeline_.slot();
        timeline_.host(plan::MakeHandshake{handshake_}, "/linux/seccomp");
    }
    return {};
}

// The slot of the joined namespace of this type.
std::optional<plan::Slot> Creation::joined(spec::NamespaceType type) const {
    for (std::size_t i = 0; i < joins_.size(); ++i)
        if (spec_->linux.namespaces[i].type == type) return joins_[i];
    return std::nullopt;
}

rootfs::MountInputs Creation::inputs() const {
    return {.bundle = options_.bundle,
            .root = options_.root,
            .cgroup = host_.cgroup_mount + (cgroup_.empty() ? host_.own_cgroup : cgroup_),
            .own_cgroup_namespace = namespaces::is_new(spec_, spec::NamespaceType::cgroup),
            .clones_inside = !host_.privileged,
            .ipc = joined(spec::NamespaceType::ipc),
            .overlay_grants = options_.overlay_grants,
            .no_pivot = options_.no_pivot,
            .root_place = hooks_early_ ? options_.root : "",
            .notify = notify_,
            .own_mounts = has_mount_namespace(spec_),
            .host = host_};
}

// systemd makes no scope without a process and ends it when it has none. So the container's own process is
// the first in it. It is only cloned, and waits until the cgroup is recorded and limited. If the runtime is
// killed now, the process ends, and the scope with it. The files are written as well, because systemd rounds.
Result<> Creation::plan_unit() {
    LET(const cgroups::Unit unit,
        cgroups::unit_of(spec_->linux.cgroups_path, options_.id, host_.systemd_of_user));
    LET(auto settings, cgroups::settings_of(spec_->linux.resources));
    LET(auto asked_for, cgroups::properties_of_annotations(spec_->annotations));
    std::vector<plan::UnitProperty> properties = cgroups::properties_of_unit(unit, options_.id);
    std::ranges::move(cgroups::properties_of_limits(settings, host_.systemd_version, {}, !unit.is_slice()),
                      std::back_inserter(properties));
    std::ranges::move(asked_for, std::back_inserter(properties));
    const std::string path = cgroups::cgroup_of(unit, host_.systemd_cgroup);
    timeline_.host(plan::StartUnit{host_.cgroup_mount, path, unit.name, std::move(properties)},
                   "/linux/cgroupsPath");
    plan_limits(path, std::move(settings));
    return {};
}

}  // namespace bulkhead::runtime
