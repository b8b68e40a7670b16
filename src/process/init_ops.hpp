// SPDX-License-Identifier: Apache-2.0
// The process's steps in the stage: session, limits, credentials, program. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::process {

plan::Outcome apply(plan::StageContext& stage, const plan::JoinKeyring& op);
plan::Outcome apply(plan::StageContext& stage, const plan::StartSession& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ClaimTerminal& op);
plan::Outcome apply(plan::StageContext& stage, const plan::OpenProcfs& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetLabel& op);
plan::Outcome apply(plan::StageContext& stage, const plan::TakeStdio& op);
plan::Outcome apply(plan::StageContext& stage, const plan::DieWithHost& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetAffinity& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetScheduler& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetIoPriority& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetMemoryPolicy& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetPersonality& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetRlimit& op);
plan::Outcome apply(plan::StageContext& stage, const plan::EnterDirectory& op);
plan::Outcome apply(plan::StageContext& stage, const plan::OwnStdio& op);
plan::Outcome apply(plan::StageContext& stage, const plan::LimitBounding& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetGroups& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetIds& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetCapabilities& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetUmask& op);
plan::Outcome apply(plan::StageContext& stage, const plan::FindHome& op);
plan::Outcome apply(plan::StageContext& stage, const plan::FindProgram& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ForbidNewPrivileges& op);

}  // namespace bulkhead::process
