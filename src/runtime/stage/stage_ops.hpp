// SPDX-License-Identifier: Apache-2.0
// The stage's own steps: descriptors, signals, the three meetings with the host, and execve. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::stage {

plan::Outcome apply(plan::StageContext& stage, const plan::MarkDescriptors& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ResetSignals& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AwaitGo& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ReportReady& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AwaitStart& op);
plan::Outcome apply(plan::StageContext& stage, const plan::KeepDescriptor& op);
plan::Outcome apply(plan::StageContext& stage, const plan::CloseDescriptors& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ReportExecution& op);
plan::Outcome apply(plan::StageContext& stage, const plan::Execute& op);
plan::Outcome apply(plan::StageContext& stage, const plan::Respawn& op);

// Sends one report; 0 or -errno.
long send(int socket, const plan::Report& report, const plan::StepTime* times = nullptr);

}  // namespace bulkhead::stage
