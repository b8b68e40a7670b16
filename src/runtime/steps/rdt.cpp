// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's group of resctrl.
#include "base/text.hpp"
#include "cgroups/resctrl/resctrl.hpp"
#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

namespace {

// The group of a running container may be gone. The kernel has moved its processes into the root group then,
// and the new process is there, too. runc checks this as well.
Result<> enter(const StageProcess& stage, const std::string& mount, const std::string& group) {
    auto joined = cgroups::join_rdt_group(mount, group, stage.pid);
    const bool gone = !joined && stage.joins && joined.error().err == ENOENT;
    return gone ? Result<>() : joined;
}

}  // namespace

Result<> apply(const plan::FindRdtGroup& op, ResourceControl& control) {
    TRY(cgroups::find_rdt_group(op.path));
    control.rdt_group_is_new = false;
    return {};
}

Result<> apply(const plan::MakeRdtGroup& op, ContainerRecord& record, ResourceControl& control) {
    LET(const cgroups::RdtGroup group, cgroups::make_rdt_group(op.mount, op.path));
    control.rdt_group_is_new = group.created;
    record.state.rdt.inode = group.created ? group.inode : 0;
    record.state.rdt.shared = record.state.rdt.shared || !group.created;
    return {};
}

// An error leaves everything as it was, also in a group that the config names.
void undo(const plan::MakeRdtGroup& op, const ContainerRecord& record, const ResourceControl& control) {
    if (control.rdt_group_is_new) (void)cgroups::remove_rdt_group(op.path, record.state.rdt.inode);
}

Result<> apply(const plan::CompareSchemata& op, const ResourceControl& control) {
    return control.rdt_group_is_new ? Result<>() : cgroups::check_schemata(op.path, op.lines);
}

Result<> apply(const plan::MakeMonitoringGroup& op, ContainerRecord& record) {
    LET(const cgroups::RdtGroup group, cgroups::make_monitoring_group(op.mount, op.path));
    record.state.rdt.monitoring_inode = group.inode;
    return {};
}

void undo(const plan::MakeMonitoringGroup& op, const ContainerRecord& record) {
    (void)cgroups::remove_rdt_group(op.path, record.state.rdt.monitoring_inode);
}

Result<> apply(const plan::RecordRdtGroup&, const ContainerRecord& record) {
    return save(record.directory.number(), record.state);
}

Result<> apply(const plan::WriteSchemata& op) {
    return cgroups::write_schemata(op.mount, op.path, join(op.lines, "\n"));
}

Result<> apply(const plan::ChangeSchemata& op, ResourceControl& control) {
    LET(control.schemata, cgroups::read_schemata(op.path));
    for (const std::string& each : op.lines)
        if (auto written = cgroups::write_schemata(op.mount, op.path, each); !written) {
            undo(op, control);
            return written;
        }
    return {};
}

void undo(const plan::ChangeSchemata& op, const ResourceControl& control) {
    std::string_view before = control.schemata;
    if (before.ends_with('\n')) before.remove_suffix(1);
    if (!before.empty()) (void)cgroups::write_schemata(op.mount, op.path, before);
}

// A group of monitoring takes only what is in the group above it.
Result<> apply(const plan::JoinRdtGroup& op, const StageProcess& stage) {
    TRY(enter(stage, op.mount, op.path));
    return op.monitoring.empty() ? Result<>() : enter(stage, op.mount, op.monitoring);
}

Result<> apply(const plan::RemoveRdtGroup&, const ContainerRecord& record) {
    const RdtRecord& rdt = record.state.rdt;
    if (!rdt.monitoring.empty()) TRY(cgroups::remove_rdt_group(rdt.monitoring, rdt.monitoring_inode));
    return rdt.shared ? Result<>() : cgroups::remove_rdt_group(rdt.path, rdt.inode);
}

}  // namespace bulkhead::runtime
