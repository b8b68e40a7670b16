// SPDX-License-Identifier: Apache-2.0
// The filter's step, as the stage does it. Freestanding.
#pragma once

#include "plan/stage_context.hpp"

namespace bulkhead::seccomp {

plan::Outcome apply(plan::StageContext& stage, const plan::MapHandshake& op);
plan::Outcome apply(plan::StageContext& stage, const plan::ReportListener& op);
plan::Outcome apply(plan::StageContext& stage, const plan::LoadSeccomp& op);
plan::Outcome apply(plan::StageContext& stage, const plan::AwaitDelivery& op);

}  // namespace bulkhead::seccomp
