// SPDX-License-Identifier: Apache-2.0
// The steps of the host lane: what each does, and how it is undone. A step names the parts of the context
// that it works on, and gets no other: dispatch.hpp finds them, for walk.cpp, which alone calls these.
#pragma once

#include "runtime/steps/context.hpp"

namespace bulkhead::runtime {

Result<> apply(const plan::MakeStateDirectory& op, ContainerRecord& record);
Result<> apply(const plan::RecordIntent& op, const ContainerRecord& record);
Result<> apply(const plan::MakeCgroup& op, ContainerRecord& record, ResourceControl& control, Walk& walk);
Result<> apply(const plan::EnableControllers& op, ResourceControl& control);
Result<> apply(const plan::LimitCgroup& op, const ResourceControl& control);
Result<> apply(const plan::StartUnit& op, ContainerRecord& record, ResourceControl& control,
               const StageProcess& stage, Walk& walk);
Result<> apply(const plan::RecordCgroup& op, const ContainerRecord& record);
Result<> apply(const plan::DelegateCgroup& op, const ResourceControl& control);
Result<> apply(const plan::FindRdtGroup& op, ResourceControl& control);
Result<> apply(const plan::MakeRdtGroup& op, ContainerRecord& record, ResourceControl& control);
Result<> apply(const plan::CompareSchemata& op, const ResourceControl& control);
Result<> apply(const plan::MakeMonitoringGroup& op, ContainerRecord& record);
Result<> apply(const plan::RecordRdtGroup& op, const ContainerRecord& record);
Result<> apply(const plan::WriteSchemata& op);
Result<> apply(const plan::ChangeSchemata& op, ResourceControl& control);
Result<> apply(const plan::JoinRdtGroup& op, const StageProcess& stage);
Result<> apply(const plan::CloneTree& op, HostResources& host);
Result<> apply(const plan::OpenRoot& op, ContainerRecord& record, HostResources& host);
Result<> apply(const plan::OpenNamespace& op, HostResources& host);
Result<> apply(const plan::OpenMessageQueues& op, HostResources& host);
Result<> apply(const plan::MakeNotifySocket& op, HostResources& host, Streams& streams);
Result<> apply(const plan::MakeHandshake& op, HostResources& host, StageProcess& stage);
Result<> apply(const plan::MakeStartFifo& op, const ContainerRecord& record, HostResources& host);
Result<> apply(const plan::ConnectConsole& op, Streams& streams);
Result<> apply(const plan::Spawn& op, const StepContext& step, ContainerRecord& record,
               ResourceControl& control, HostResources& host, StageProcess& stage, Walk& walk);
Result<> apply(const plan::WriteIdMaps& op, const StageProcess& stage);
Result<> apply(const plan::SetOomScore& op, const StageProcess& stage);
Result<> apply(const plan::SendPrepared& op, const StageProcess& stage);
Result<> apply(const plan::AwaitRespawn& op, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk);
Result<> apply(const plan::MoveNetDevice& op, HostResources& host, const StageProcess& stage);
Result<> apply(const plan::AttachDeviceFilter& op, const ResourceControl& control);
Result<> apply(const plan::ReplaceDeviceFilter& op, ResourceControl& control);
Result<> apply(const plan::RecordProcess& op, ContainerRecord& record, const StageProcess& stage);
Result<> apply(const plan::SendGo& op, const StageProcess& stage);
Result<> apply(const plan::AwaitReady& op, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk);
Result<> apply(const plan::AwaitExecution& op, const StepContext& step, const ResourceControl& control,
               StageProcess& stage, Streams& streams, Walk& walk);
Result<> apply(const plan::SendConsole& op, Streams& streams);
Result<> apply(const plan::DeliverListener& op, const StepContext& step, const ContainerRecord& record,
               const ResourceControl& control, StageProcess& stage, Streams& streams, Walk& walk);
Result<> apply(const plan::SendPidfd& op, const StageProcess& stage);
Result<> apply(const plan::WritePidFile& op, const StageProcess& stage);
Result<> apply(const plan::Publish& op, const ContainerRecord& record);
Result<> apply(const plan::FindInit& op, const ContainerRecord& record, HostResources& host,
               StageProcess& stage);
Result<> apply(const plan::FindCgroup& op, const ContainerRecord& record, ResourceControl& control);
Result<> apply(const plan::ReleaseContainer& op, ContainerRecord& record);
Result<> apply(const plan::MakeHookStreams& op, HostResources& host, Streams& streams);
Result<> apply(const plan::RunHooks& op, const ContainerRecord& record, StageProcess& stage, Walk& walk);
Result<> apply(const plan::AwaitProgram& op, const ContainerRecord& record);
Result<> apply(const plan::ReleaseInit& op, const ContainerRecord& record);
Result<> apply(const plan::RemoveStartFifo& op, const ContainerRecord& record);
Result<> apply(const plan::ChangeLimits& op, ResourceControl& control);
Result<> apply(const plan::ChangeUnit& op, const ContainerRecord& record, ResourceControl& control);
Result<> apply(const plan::KillContainer& op, const ContainerRecord& record);
Result<> apply(const plan::StopUnit& op, const ContainerRecord& record, ResourceControl& control, Walk& walk);
Result<> apply(const plan::DetachRoot& op, const ContainerRecord& record);
Result<> apply(const plan::RemoveRdtGroup& op, const ContainerRecord& record);
Result<> apply(const plan::RemoveCgroup& op, const ContainerRecord& record, ResourceControl& control);
Result<> apply(const plan::RemoveStateDirectory& op, const ContainerRecord& record);

// One for each step whose Undo in the vocabulary says so; another build fails. Undoing never fails loudly:
// the error that led here is the one to report.
void undo(const plan::MakeStateDirectory& op, const ContainerRecord& record);
void undo(const plan::MakeCgroup& op, ContainerRecord& record, ResourceControl& control, Walk& walk);
void undo(const plan::StartUnit& op, ContainerRecord& record, ResourceControl& control,
          const StageProcess& stage, Walk& walk);
void undo(const plan::MakeRdtGroup& op, const ContainerRecord& record, const ResourceControl& control);
void undo(const plan::MakeMonitoringGroup& op, const ContainerRecord& record);
void undo(const plan::ChangeSchemata& op, const ResourceControl& control);
void undo(const plan::OpenRoot& op, const ContainerRecord& record);
void undo(const plan::Spawn& op, StageProcess& stage, Walk& walk);
void undo(const plan::MoveNetDevice& op, HostResources& host);
void undo(const plan::ReplaceDeviceFilter& op, ResourceControl& control);
void undo(const plan::WritePidFile& op);
void undo(const plan::ChangeLimits& op, const ResourceControl& control);
void undo(const plan::ChangeUnit& op, const ContainerRecord& record, ResourceControl& control);

// ---- parts that several steps have in common --------------------------------------------------------------

// The path, from the container's own cgroup on, of the cgroup below it that init is in. Spawn uses it if the
// own one takes no process: controllers are handed down from it, as systemd and nested runtimes do. Errors:
// Kind::bad_state if init is elsewhere.
Result<std::string> cgroup_of_init(const State& state);

// systemd moves the waiting process `pid` into the container's unit, for a caller who may not move it.
Result<> move_by_systemd(const State& state, ResourceControl& control, pid_t pid);

// Sends one message. A stage that has failed before it could hear is no error: its report says what happened.
Result<> tell_stage(const StageProcess& stage, char message);

// Ends the process that Spawn made, reaps it, and returns its exit status as a shell counts it. With `kill`
// it gets SIGKILL first, else only if it does not end by itself. If a container holds it, it is left to init
// of the host, and `left_behind` gets a sentence. Afterwards stage.process is empty.
Result<int> end_process(StageProcess& stage, std::vector<std::string>& left_behind, bool kill);

// Removes the container's cgroup and goes on without it; a failure is a sentence in `left_behind`.
void give_up_cgroup(State& state, ResourceControl& control, std::vector<std::string>& left_behind);

// The time that a removal gives dying processes, in milliseconds (runc: 10 s).
inline constexpr int removal_deadline_ms = 10'000;

}  // namespace bulkhead::runtime
