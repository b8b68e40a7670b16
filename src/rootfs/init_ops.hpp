// SPDX-License-Identifier: Apache-2.0
// The root file system's steps, as the stage does them: mounts, devices, masks, pivot. Freestanding.
#pragma once

#include "rootfs/init_change.hpp"

namespace bulkhead::rootfs {

// Attaches a detached tree, or moves an attached one, over "/", where PivotRoot expects the root.
long attach_over_root(int tree);
// At `place`, a directory of the host, or over "/" if there is none, changed before. Unless it has layers,
// the directory is the one that the root was cloned from (EBUSY).
plan::Outcome attach_root(const plan::StageContext& stage, plan::Text place, const Change& change,
                          bool has_layers);
// A tmpfs over "/", for a moment: PivotRoot expects nothing between the host's root and the container's.
// uncover_root makes it the working directory.
plan::Outcome cover_root(const char* size, int& covered);
plan::Outcome uncover_root(int covered);

plan::Outcome apply(plan::StageContext& stage, const plan::IsolateMounts& op);
plan::Outcome apply(plan::StageContext& stage, const plan::OpenSelf& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AttachRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::TakeRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MountOverlay& op);
plan::Outcome apply(plan::StageContext& stage, const plan::CloneSource& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MountFilesystem& op);
plan::Outcome apply(plan::StageContext& stage, const plan::Remount& op);
plan::Outcome apply(plan::StageContext& stage, const plan::RemountBind& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AttachTree& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MountNotifySocket& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MakeDevice& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MakeLink& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MaskPath& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ProtectPath& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MakeDirectory& op);
plan::Outcome apply(plan::StageContext& stage, const plan::HoldDirectory& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ComparePlace& op);
plan::Outcome apply(plan::StageContext& stage, const plan::OpenTerminal& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MountConsole& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ReplaceNull& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ProtectRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::PivotRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::HideKernelMounts& op);
plan::Outcome apply(plan::StageContext& stage, const plan::MoveRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ChangeRoot& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetRootPropagation& op);

}  // namespace bulkhead::rootfs
