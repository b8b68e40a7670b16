// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the host lane: what the runtime itself does around the stage. Host steps stay in this
// process, so they may own strings. Each declares how it is undone (plan/undo.hpp), and has its apply() in
// src/runtime (host_steps.hpp).
#pragma once

#include <variant>

#include "plan/host_control.hpp"
#include "plan/host_process.hpp"
#include "plan/host_record.hpp"
#include "plan/host_resources.hpp"
#include "plan/host_streams.hpp"

namespace bulkhead::plan {

// Written by scripts/generate-steps.
// clang-format off
using HostOp = std::variant<
    MakeStateDirectory, RecordIntent, RecordCgroup, RecordRdtGroup, RecordProcess, MakeStartFifo,
    WritePidFile, Publish, ReleaseContainer, ReleaseInit, AwaitProgram, RemoveStartFifo, RemoveStateDirectory,
    MakeCgroup, EnableControllers, LimitCgroup, DelegateCgroup, ChangeLimits, KillContainer, RemoveCgroup,
    AttachDeviceFilter, ReplaceDeviceFilter, StartUnit, ChangeUnit, StopUnit, FindRdtGroup, MakeRdtGroup,
    CompareSchemata, MakeMonitoringGroup, WriteSchemata, ChangeSchemata, JoinRdtGroup, RemoveRdtGroup,
    CloneTree, OpenRoot, DetachRoot, OpenNamespace, OpenMessageQueues, MoveNetDevice, Spawn, WriteIdMaps,
    SetOomScore, SendPrepared, SendGo, AwaitRespawn, AwaitReady, AwaitExecution, MakeHandshake,
    DeliverListener, FindInit, FindCgroup, ConnectConsole, SendConsole, SendPidfd, MakeNotifySocket,
    MakeHookStreams, RunHooks>;
// clang-format on

}  // namespace bulkhead::plan
