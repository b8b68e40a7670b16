// SPDX-License-Identifier: Apache-2.0
// The host lane's verbs: what each does, and how it is undone. Only run.cpp calls them.
#pragma once

#include "runtime/run.hpp"

namespace bulkhead::runtime {

// What a step may look at beside its own struct.
struct StepContext {
    const plan::Timeline& timeline;
    std::size_t number;
};

Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeStateDirectory& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RecordIntent& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::EnableControllers& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::LimitCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::StartUnit& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RecordCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::DelegateCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::FindRdtGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeRdtGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::CompareSchemata& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeMonitoringGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RecordRdtGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::WriteSchemata& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ChangeSchemata& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::JoinRdtGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::CloneTree& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::OpenRoot& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::OpenNamespace& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::OpenMessageQueues& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeNotifySocket& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeHandshake& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeStartFifo& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ConnectConsole& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::Spawn& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::WriteIdMaps& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::SetOomScore& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::SendPrepared& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitRespawn& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MoveNetDevice& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AttachDeviceFilter& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ReplaceDeviceFilter& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RecordProcess& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::SendGo& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitReady& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitExecution& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::SendConsole& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::DeliverListener& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::SendPidfd& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::WritePidFile& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::Publish& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::FindInit& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::FindCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ReleaseContainer& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::MakeHookStreams& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RunHooks& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::AwaitProgram& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ReleaseInit& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RemoveStartFifo& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ChangeLimits& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::ChangeUnit& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::KillContainer& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::StopUnit& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::DetachRoot& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RemoveRdtGroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RemoveCgroup& op);
Result<> apply(Workshop& workshop, const StepContext& context, const plan::RemoveStateDirectory& op);

// Undoing never fails loudly: the error that led here is the one to report.
template <class Op>
void undo(Workshop&, const Op&) {}
void undo(Workshop& workshop, const plan::MakeStateDirectory& op);
void undo(Workshop& workshop, const plan::MakeCgroup& op);
void undo(Workshop& workshop, const plan::MakeRdtGroup& op);
void undo(Workshop& workshop, const plan::MakeMonitoringGroup& op);
void undo(Workshop& workshop, const plan::StartUnit& op);
void undo(Workshop& workshop, const plan::OpenRoot& op);
void undo(Workshop& workshop, const plan::Spawn& op);
void undo(Workshop& workshop, const plan::MoveNetDevice& op);
void undo(Workshop& workshop, const plan::WritePidFile& op);
void undo(Workshop& workshop, const plan::ChangeLimits& op);
void undo(Workshop& workshop, const plan::ChangeUnit& op);
void undo(Workshop& workshop, const plan::ChangeSchemata& op);
void undo(Workshop& workshop, const plan::ReplaceDeviceFilter& op);

// Where SPAWN goes if the container's own cgroup takes no process: controllers are handed down from it, as
// systemd and nested runtimes do, and init is in one below. Returns the path of that one, from the own on.
Result<std::string> cgroup_of_init(const Workshop& workshop);

// systemd moves a process, which waits for it, into the container's unit: for a caller who may not do that.
Result<> move_by_systemd(Workshop& workshop, pid_t pid);

// One message. A stage that has failed before it could hear is no failure: its report says what happened.
Result<> tell_stage(const Workshop& workshop, char message);

// Ends the process that SPAWN has made, and reaps it: its exit status as a shell counts it. Where it is not
// to be had, since a container holds it, the process is left to init of the host, which left_behind says.
// With `kill` it gets SIGKILL first, else only if it does not end by itself. Once done it is no more the
// workshop's.
Result<int> end_process(Workshop& workshop, bool kill);

// Goes on without the container's cgroup, which is removed and forgotten.
void give_up_cgroup(Workshop& workshop);

// How long removing waits for processes that are dying, in milliseconds (runc: 10 s).
inline constexpr int removal_deadline_ms = 10'000;

}  // namespace bulkhead::runtime
