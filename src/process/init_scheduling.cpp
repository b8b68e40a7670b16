// SPDX-License-Identifier: Apache-2.0
// Scheduler, I/O priority and personality: inherited across execve, and set while there is CAP_SYS_NICE.
#include <linux/sched/types.h>

#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

Outcome apply(StageContext&, const plan::SetScheduler& op) {
    constexpr long this_process = 0, no_flags = 0;
    const sched_attr attributes{.size = sizeof attributes,
                                .sched_policy = op.policy,
                                .sched_flags = op.flags,
                                .sched_nice = op.nice,
                                .sched_priority = op.priority,
                                .sched_runtime = op.runtime,
                                .sched_deadline = op.deadline,
                                .sched_period = op.period,
                                .sched_util_min = 0,
                                .sched_util_max = 0};
    return outcome(raw::call(__NR_sched_setattr, this_process, &attributes, no_flags),
                   plan::Call::sched_setattr);
}

// The standard speaks of the process group; StartSession has made one that is ours alone.
Outcome apply(StageContext&, const plan::SetIoPriority& op) {
    constexpr long process_group = 2, ours = 0;  // IOPRIO_WHO_PGRP
    return outcome(raw::call(__NR_ioprio_set, process_group, ours, long{op.value}), plan::Call::ioprio_set);
}

Outcome apply(StageContext&, const plan::SetPersonality& op) {
    return outcome(raw::call(__NR_personality, long{op.domain}), plan::Call::personality);
}

}  // namespace bulkhead::process
