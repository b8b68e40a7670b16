// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the init lane: everything that bulkhead can do to a kernel from inside a new container,
// a small flat struct for each step. A step is data; the apply() of the room that owns it does the work, and
// all of them are linked into the freestanding stage. No flag changes the meaning of a struct, and none holds
// a pointer. Reads and Fills name the slots and anchors that a step uses and leaves for others.
//
// The host lane's vocabulary is plan/host_vocabulary.hpp. Both together are listed in bulkhead(8).
#pragma once

#include "plan/init_namespaces.hpp"
#include "plan/init_process.hpp"
#include "plan/init_rootfs.hpp"
#include "plan/init_seccomp.hpp"
#include "plan/init_stage.hpp"
#include "plan/step_list.hpp"

namespace bulkhead::plan {

// Written by scripts/generate-steps.
// clang-format off
using InitVocabulary = Vocabulary<
    MarkDescriptors, ResetSignals, AwaitGo, ReportReady, AwaitStart, KeepDescriptor, CloseDescriptors,
    ReportExecution, Execute, Respawn, JoinNamespace, AssumeIds, JoinContainer, UnshareNamespaces,
    SetTimeOffsets, RaiseLoopback, SetSysctl, SetHostname, SetDomainname, IsolateMounts, OpenSelf, AttachRoot,
    TakeRoot, MountOverlay, CloneSource, MountFilesystem, Remount, RemountBind, AttachTree, MountNotifySocket,
    MakeDevice, MakeLink, MaskPath, ProtectPath, MakeDirectory, HoldDirectory, ComparePlace, OpenTerminal,
    MountConsole, ReplaceNull, ProtectRoot, PivotRoot, HideKernelMounts, MoveRoot, ChangeRoot,
    SetRootPropagation, JoinKeyring, StartSession, ClaimTerminal, OpenProcfs, SetLabel, TakeStdio,
    DieWithHost, SetAffinity, SetScheduler, SetIoPriority, SetMemoryPolicy, SetPersonality, SetRlimit,
    EnterDirectory, OwnStdio, LimitBounding, SetGroups, SetIds, SetCapabilities, SetUmask, FindHome,
    FindProgram, ForbidNewPrivileges, MapHandshake, ReportListener, LoadSeccomp, AwaitDelivery>;
// clang-format on

}  // namespace bulkhead::plan
