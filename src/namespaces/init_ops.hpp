// SPDX-License-Identifier: Apache-2.0
// The steps of the namespaces in the stage. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::namespaces {

plan::Outcome apply(plan::StageContext& stage, const plan::JoinNamespace& op);
plan::Outcome apply(plan::StageContext& stage, const plan::JoinContainer& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AssumeIds& op);
plan::Outcome apply(plan::StageContext& stage, const plan::UnshareNamespaces& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetTimeOffsets& op);
plan::Outcome apply(plan::StageContext& stage, const plan::RaiseLoopback& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetSysctl& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetHostname& op);
plan::Outcome apply(plan::StageContext& stage, const plan::SetDomainname& op);

}  // namespace bulkhead::namespaces
