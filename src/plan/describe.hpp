// SPDX-License-Identifier: Apache-2.0
// One sentence a verb: the words of explain, of error messages and of the manual. A verb without its overload
// does not compile.
#pragma once

#include "plan/explain.hpp"

namespace bulkhead::plan {

Description describe_init(const MarkDescriptors& op, ArenaView arena);
Description describe_init(const ResetSignals& op, ArenaView arena);
Description describe_init(const AwaitGo& op, ArenaView arena);
Description describe_init(const ReportReady& op, ArenaView arena);
Description describe_init(const AwaitStart& op, ArenaView arena);
Description describe_init(const CloseDescriptors& op, ArenaView arena);
Description describe_init(const ReportExecution& op, ArenaView arena);
Description describe_init(const Execute& op, ArenaView arena);
Description describe_init(const Respawn& op, ArenaView arena);
Description describe_init(const JoinNamespace& op, ArenaView arena);
Description describe_init(const AssumeIds& op, ArenaView arena);
Description describe_init(const UnshareNamespaces& op, ArenaView arena);
Description describe_init(const SetTimeOffsets& op, ArenaView arena);
Description describe_init(const JoinContainer& op, ArenaView arena);
Description describe_init(const RaiseLoopback& op, ArenaView arena);
Description describe_init(const SetSysctl& op, ArenaView arena);
Description describe_init(const SetHostname& op, ArenaView arena);
Description describe_init(const SetDomainname& op, ArenaView arena);
Description describe_init(const IsolateMounts& op, ArenaView arena);
Description describe_init(const ChangeMountsByName& op, ArenaView arena);
Description describe_init(const AttachRoot& op, ArenaView arena);
Description describe_init(const TakeRoot& op, ArenaView arena);
Description describe_init(const MountOverlay& op, ArenaView arena);
Description describe_init(const CloneSource& op, ArenaView arena);
Description describe_init(const MountFilesystem& op, ArenaView arena);
Description describe_init(const Remount& op, ArenaView arena);
Description describe_init(const AttachTree& op, ArenaView arena);
Description describe_init(const MakeDevice& op, ArenaView arena);
Description describe_init(const MakeLink& op, ArenaView arena);
Description describe_init(const MaskPath& op, ArenaView arena);
Description describe_init(const ProtectPath& op, ArenaView arena);
Description describe_init(const MakeDirectory& op, ArenaView arena);
Description describe_init(const OpenTerminal& op, ArenaView arena);
Description describe_init(const ReplaceNull& op, ArenaView arena);
Description describe_init(const ProtectRoot& op, ArenaView arena);
Description describe_init(const PivotRoot& op, ArenaView arena);
Description describe_init(const ChangeRoot& op, ArenaView arena);
Description describe_init(const SetRootPropagation& op, ArenaView arena);
Description describe_init(const JoinKeyring& op, ArenaView arena);
Description describe_init(const StartSession& op, ArenaView arena);
Description describe_init(const ClaimTerminal& op, ArenaView arena);
Description describe_init(const OpenProcfs& op, ArenaView arena);
Description describe_init(const SetLabel& op, ArenaView arena);
Description describe_init(const TakeStdio& op, ArenaView arena);
Description describe_init(const DieWithHost& op, ArenaView arena);
Description describe_init(const SetAffinity& op, ArenaView arena);
Description describe_init(const SetScheduler& op, ArenaView arena);
Description describe_init(const SetIoPriority& op, ArenaView arena);
Description describe_init(const SetMemoryPolicy& op, ArenaView arena);
Description describe_init(const SetPersonality& op, ArenaView arena);
Description describe_init(const SetRlimit& op, ArenaView arena);
Description describe_init(const EnterDirectory& op, ArenaView arena);
Description describe_init(const OwnStdio& op, ArenaView arena);
Description describe_init(const LimitBounding& op, ArenaView arena);
Description describe_init(const SetGroups& op, ArenaView arena);
Description describe_init(const SetIds& op, ArenaView arena);
Description describe_init(const SetCapabilities& op, ArenaView arena);
Description describe_init(const SetUmask& op, ArenaView arena);
Description describe_init(const FindHome& op, ArenaView arena);
Description describe_init(const FindProgram& op, ArenaView arena);
Description describe_init(const ForbidNewPrivileges& op, ArenaView arena);
Description describe_init(const MapHandshake& op, ArenaView arena);
Description describe_init(const LoadSeccomp& op, ArenaView arena);
Description describe_init(const AwaitDelivery& op, ArenaView arena);

Description describe_host(const MakeStateDirectory& op);
Description describe_host(const RecordIntent& op);
Description describe_host(const MakeCgroup& op);
Description describe_host(const EnableControllers& op);
Description describe_host(const LimitCgroup& op);
Description describe_host(const ChangeLimits& op);
Description describe_host(const ChangeUnit& op);
Description describe_host(const StopUnit& op);
Description describe_host(const StartUnit& op);
Description describe_host(const RecordCgroup& op);
Description describe_host(const DelegateCgroup& op);
Description describe_host(const CloneTree& op);
Description describe_host(const OpenRoot& op);
Description describe_host(const OpenNamespace& op);
Description describe_host(const OpenMessageQueues& op);
Description describe_host(const MakeNotifyDirectory& op);
Description describe_host(const MakeHandshake& op);
Description describe_host(const MakeStartFifo& op);
Description describe_host(const ConnectConsole& op);
Description describe_host(const Spawn& op);
Description describe_host(const WriteIdMaps& op);
Description describe_host(const SetOomScore& op);
Description describe_host(const SendPrepared& op);
Description describe_host(const AwaitRespawn& op);
Description describe_host(const MoveNetDevice& op);
Description describe_host(const AttachDeviceFilter& op);
Description describe_host(const ReplaceDeviceFilter& op);
Description describe_host(const RecordProcess& op);
Description describe_host(const SendGo& op);
Description describe_host(const AwaitReady& op);
Description describe_host(const AwaitExecution& op);
Description describe_host(const SendConsole& op);
Description describe_host(const DeliverListener& op);
Description describe_host(const SendPidfd& op);
Description describe_host(const WritePidFile& op);
Description describe_host(const Publish& op);
Description describe_host(const FindInit& op);
Description describe_host(const FindCgroup& op);
Description describe_host(const ReleaseContainer& op);
Description describe_host(const MakeHookStreams& op);
Description describe_host(const RunHooks& op);
Description describe_host(const ReleaseInit& op);
Description describe_host(const AwaitProgram& op);
Description describe_host(const RemoveStartFifo& op);
Description describe_host(const KillContainer& op);
Description describe_host(const DetachRoot& op);
Description describe_host(const RemoveCgroup& op);
Description describe_host(const RemoveStateDirectory& op);

}  // namespace bulkhead::plan
