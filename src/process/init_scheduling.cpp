// SPDX-License-Identifier: Apache-2.0
// Sets CPUs, scheduler, I/O priority, memory policy and personality: inherited across execve, and set while
// the stage has CAP_SYS_NICE.
#include <linux/sched/types.h>

#include "process/init_ops.hpp"

namespace bulkhead::process {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

// The kernel reduces a mask to the CPUs of the cpuset, so a mask of all bits means each of them.
Outcome apply(StageContext& stage, const plan::SetAffinity& op) {
    constexpr long this_process = 0;
    constexpr std::size_t words = 8192 / 64;  // the most CPUs that a kernel can be built for
    std::uint64_t every[words];
    for (std::uint64_t& word : every) word = ~std::uint64_t{0};
    const bool named = op.mask.count != 0;
    const void* mask = named ? static_cast<const void*>(stage.arena.numbers(op.mask)) : every;
    const std::size_t size = named ? op.mask.count * sizeof(std::uint32_t) : sizeof every;
    return outcome(raw::call(__NR_sched_setaffinity, this_process, static_cast<long>(size), mask),
                   plan::Call::sched_setaffinity);
}

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

// The standard means the process group, which will be this process alone. If the session starts only after
// `Respawn`, the group is still the caller's, so this sets the process.
Outcome apply(StageContext&, const plan::SetIoPriority& op) {
    constexpr long one_process = 1, this_one = 0;  // IOPRIO_WHO_PROCESS
    return outcome(raw::call(__NR_ioprio_set, one_process, this_one, long{op.value}), plan::Call::ioprio_set);
}

// The kernel takes one bit less than the given size.
Outcome apply(StageContext& stage, const plan::SetMemoryPolicy& op) {
    constexpr long word_bits = 32;
    const bool named = op.nodes.count != 0;
    const void* mask = named ? stage.arena.numbers(op.nodes) : nullptr;
    const long size = named ? op.nodes.count * word_bits + 1 : 0;
    return outcome(raw::call(__NR_set_mempolicy, long{op.mode}, mask, size), plan::Call::set_mempolicy);
}

Outcome apply(StageContext&, const plan::SetPersonality& op) {
    return outcome(raw::call(__NR_personality, long{op.domain}), plan::Call::personality);
}

}  // namespace bulkhead::process
