// SPDX-License-Identifier: Apache-2.0
// Host steps on the container's group of resctrl.
#include "base/text.hpp"
#include "cgroups/resctrl.hpp"
#include "runtime/host_ops.hpp"

namespace bulkhead::runtime {

namespace {

// A container that is there may have lost its group: the kernel has put all that was in it into the root
// group then, where the new process is, too. runc looks as well.
Result<> enter(const Workshop& workshop, const std::string& mount, const std::string& group) {
    auto joined = cgroups::join_rdt_group(mount, group, workshop.pid);
    const bool gone = !joined && workshop.joins && joined.error().err == ENOENT;
    return gone ? Result<>() : joined;
}

}  // namespace

Result<> apply(Workshop& workshop, const StepContext&, const plan::FindRdtGroup& op) {
    TRY(cgroups::find_rdt_group(op.path));
    workshop.rdt_group_is_new = false;
    return {};
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::MakeRdtGroup& op) {
    LET(const cgroups::RdtGroup group, cgroups::make_rdt_group(op.mount, op.path));
    workshop.rdt_group_is_new = group.created;
    workshop.state.rdt.inode = group.created ? group.inode : 0;
    workshop.state.rdt.shared = workshop.state.rdt.shared || !group.created;
    return {};
}

// An error leaves all as it was, whoever has named the group.
void undo(Workshop& workshop, const plan::MakeRdtGroup& op) {
    if (workshop.rdt_group_is_new) (void)cgroups::remove_rdt_group(op.path, workshop.state.rdt.inode);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::CompareSchemata& op) {
    return workshop.rdt_group_is_new ? Result<>() : cgroups::check_schemata(op.path, op.lines);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::MakeMonitoringGroup& op) {
    LET(const cgroups::RdtGroup group, cgroups::make_monitoring_group(op.mount, op.path));
    workshop.state.rdt.monitoring_inode = group.inode;
    return {};
}

void undo(Workshop& workshop, const plan::MakeMonitoringGroup& op) {
    (void)cgroups::remove_rdt_group(op.path, workshop.state.rdt.monitoring_inode);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::RecordRdtGroup&) {
    return save(workshop.directory.number(), workshop.state);
}

Result<> apply(Workshop&, const StepContext&, const plan::WriteSchemata& op) {
    return cgroups::write_schemata(op.mount, op.path, join(op.lines, "\n"));
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::ChangeSchemata& op) {
    LET(workshop.schemata, cgroups::read_schemata(op.path));
    for (const std::string& each : op.lines)
        if (auto written = cgroups::write_schemata(op.mount, op.path, each); !written) {
            undo(workshop, op);
            return written;
        }
    return {};
}

void undo(Workshop& workshop, const plan::ChangeSchemata& op) {
    std::string_view before = workshop.schemata;
    if (before.ends_with('\n')) before.remove_suffix(1);
    if (!before.empty()) (void)cgroups::write_schemata(op.mount, op.path, before);
}

// A group of monitoring takes only what is in the group above it.
Result<> apply(Workshop& workshop, const StepContext&, const plan::JoinRdtGroup& op) {
    TRY(enter(workshop, op.mount, op.path));
    return op.monitoring.empty() ? Result<>() : enter(workshop, op.mount, op.monitoring);
}

Result<> apply(Workshop& workshop, const StepContext&, const plan::RemoveRdtGroup&) {
    const RdtRecord& rdt = workshop.state.rdt;
    if (!rdt.monitoring.empty()) TRY(cgroups::remove_rdt_group(rdt.monitoring, rdt.monitoring_inode));
    return rdt.shared ? Result<>() : cgroups::remove_rdt_group(rdt.path, rdt.inode);
}

}  // namespace bulkhead::runtime
