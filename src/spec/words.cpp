// SPDX-License-Identifier: Apache-2.0
#include "spec/words.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace bulkhead::spec {

namespace {

template <class Meaning, std::size_t size>
consteval bool sorted(const Word<Meaning> (&words)[size]) {
    return std::ranges::is_sorted(words, {}, &Word<Meaning>::text);
}

constexpr Word<NamespaceType> namespace_types[] = {
    {"cgroup", NamespaceType::cgroup},   {"ipc", NamespaceType::ipc}, {"mount", NamespaceType::mount},
    {"network", NamespaceType::network}, {"pid", NamespaceType::pid}, {"time", NamespaceType::time},
    {"user", NamespaceType::user},       {"uts", NamespaceType::uts},
};

constexpr Word<Clock> clocks[] = {{"boottime", Clock::boottime}, {"monotonic", Clock::monotonic}};

constexpr Word<DeviceType> device_types[] = {
    {"b", DeviceType::block},
    {"c", DeviceType::character},
    {"p", DeviceType::fifo},
    {"u", DeviceType::unbuffered},
};

constexpr Word<DeviceRuleType> device_rule_types[] = {
    {"a", DeviceRuleType::all},
    {"b", DeviceRuleType::block},
    {"c", DeviceRuleType::character},
};

// The standard knows the forms without r; engines write the others, and runc takes them.
constexpr Word<Propagation> propagations[] = {
    {"private", Propagation::private_},
    {"rprivate", Propagation::rprivate},
    {"rshared", Propagation::rshared},
    {"rslave", Propagation::rslave},
    {"runbindable", Propagation::runbindable},
    {"shared", Propagation::shared},
    {"slave", Propagation::slave},
    {"unbindable", Propagation::unbindable},
};

constexpr Word<PersonalityDomain> personality_domains[] = {
    {"LINUX", PersonalityDomain::native},
    {"LINUX32", PersonalityDomain::linux32},
};

constexpr Word<MemoryPolicyMode> memory_policy_modes[] = {
    {"MPOL_BIND", MemoryPolicyMode::bind},
    {"MPOL_DEFAULT", MemoryPolicyMode::default_},
    {"MPOL_INTERLEAVE", MemoryPolicyMode::interleave},
    {"MPOL_LOCAL", MemoryPolicyMode::local},
    {"MPOL_PREFERRED", MemoryPolicyMode::preferred},
    {"MPOL_PREFERRED_MANY", MemoryPolicyMode::preferred_many},
    {"MPOL_WEIGHTED_INTERLEAVE", MemoryPolicyMode::weighted_interleave},
};

constexpr Word<MemoryPolicyFlag> memory_policy_flags[] = {
    {"MPOL_F_NUMA_BALANCING", MemoryPolicyFlag::numa_balancing},
    {"MPOL_F_RELATIVE_NODES", MemoryPolicyFlag::relative_nodes},
    {"MPOL_F_STATIC_NODES", MemoryPolicyFlag::static_nodes},
};

constexpr Word<SchedulerPolicy> scheduler_policies[] = {
    {"SCHED_BATCH", SchedulerPolicy::batch}, {"SCHED_DEADLINE", SchedulerPolicy::deadline},
    {"SCHED_FIFO", SchedulerPolicy::fifo},   {"SCHED_IDLE", SchedulerPolicy::idle},
    {"SCHED_ISO", SchedulerPolicy::iso},     {"SCHED_OTHER", SchedulerPolicy::other},
    {"SCHED_RR", SchedulerPolicy::rr},
};

constexpr Word<SchedulerFlag> scheduler_flags[] = {
    {"SCHED_FLAG_DL_OVERRUN", SchedulerFlag::dl_overrun},
    {"SCHED_FLAG_KEEP_PARAMS", SchedulerFlag::keep_params},
    {"SCHED_FLAG_KEEP_POLICY", SchedulerFlag::keep_policy},
    {"SCHED_FLAG_RECLAIM", SchedulerFlag::reclaim},
    {"SCHED_FLAG_RESET_ON_FORK", SchedulerFlag::reset_on_fork},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SchedulerFlag::util_clamp_max},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SchedulerFlag::util_clamp_min},
};

constexpr Word<IoPriorityClass> io_priority_classes[] = {
    {"IOPRIO_CLASS_BE", IoPriorityClass::best_effort},
    {"IOPRIO_CLASS_IDLE", IoPriorityClass::idle},
    {"IOPRIO_CLASS_RT", IoPriorityClass::realtime},
};

constexpr Word<SeccompAction> seccomp_actions[] = {
    {"SCMP_ACT_ALLOW", SeccompAction::allow},
    {"SCMP_ACT_ERRNO", SeccompAction::error},
    {"SCMP_ACT_KILL", SeccompAction::kill_thread},
    {"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    {"SCMP_ACT_KILL_THREAD", SeccompAction::kill_thread},
    {"SCMP_ACT_LOG", SeccompAction::log},
    {"SCMP_ACT_NOTIFY", SeccompAction::notify},
    {"SCMP_ACT_TRACE", SeccompAction::trace},
    {"SCMP_ACT_TRAP", SeccompAction::trap},
};

constexpr Word<SeccompArch> seccomp_archs[] = {
    {"SCMP_ARCH_AARCH64", SeccompArch::aarch64},
    {"SCMP_ARCH_ARM", SeccompArch::arm},
    {"SCMP_ARCH_LOONGARCH64", SeccompArch::loongarch64},
    {"SCMP_ARCH_M68K", SeccompArch::m68k},
    {"SCMP_ARCH_MIPS", SeccompArch::mips},
    {"SCMP_ARCH_MIPS64", SeccompArch::mips64},
    {"SCMP_ARCH_MIPS64N32", SeccompArch::mips64n32},
    {"SCMP_ARCH_MIPSEL", SeccompArch::mipsel},
    {"SCMP_ARCH_MIPSEL64", SeccompArch::mipsel64},
    {"SCMP_ARCH_MIPSEL64N32", SeccompArch::mipsel64n32},
    {"SCMP_ARCH_PARISC", SeccompArch::parisc},
    {"SCMP_ARCH_PARISC64", SeccompArch::parisc64},
    {"SCMP_ARCH_PPC", SeccompArch::ppc},
    {"SCMP_ARCH_PPC64", SeccompArch::ppc64},
    {"SCMP_ARCH_PPC64LE", SeccompArch::ppc64le},
    {"SCMP_ARCH_RISCV64", SeccompArch::riscv64},
    {"SCMP_ARCH_S390", SeccompArch::s390},
    {"SCMP_ARCH_S390X", SeccompArch::s390x},
    {"SCMP_ARCH_SH", SeccompArch::sh},
    {"SCMP_ARCH_SHEB", SeccompArch::sheb},
    {"SCMP_ARCH_X32", SeccompArch::x32},
    {"SCMP_ARCH_X86", SeccompArch::x86},
    {"SCMP_ARCH_X86_64", SeccompArch::x86_64},
};

constexpr Word<SeccompFlag> seccomp_flags[] = {
    {"SECCOMP_FILTER_FLAG_LOG", SeccompFlag::log},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SeccompFlag::spec_allow},
    {"SECCOMP_FILTER_FLAG_TSYNC", SeccompFlag::tsync},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SeccompFlag::wait_killable_recv},
};

constexpr Word<SeccompOp> seccomp_ops[] = {
    {"SCMP_CMP_EQ", SeccompOp::eq}, {"SCMP_CMP_GE", SeccompOp::ge},
    {"SCMP_CMP_GT", SeccompOp::gt}, {"SCMP_CMP_LE", SeccompOp::le},
    {"SCMP_CMP_LT", SeccompOp::lt}, {"SCMP_CMP_MASKED_EQ", SeccompOp::masked_eq},
    {"SCMP_CMP_NE", SeccompOp::ne},
};

constexpr RlimitName rlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};
static_assert(std::size(rlimits) == RLIM_NLIMITS, "one name for each limit the kernel has");
static_assert(std::ranges::is_sorted(rlimits, {}, &RlimitName::text));
static_assert(std::size(seccomp_archs) == 23, "config-linux.md lists what libseccomp 2.6 knows");

}  // namespace

// One list: its type, its table, and runc's sentence around the word.
#define BULKHEAD_WORDS(Meaning, table, before, after)                  \
    static_assert(sorted(table));                                      \
    template <>                                                        \
    const WordList<Meaning>& word_list() {                             \
        static constexpr WordList<Meaning> list{before, after, table}; \
        return list;                                                   \
    }

BULKHEAD_WORDS(NamespaceType, namespace_types, "namespace {\"", "\" \"\"} does not exist")
BULKHEAD_WORDS(Clock, clocks, "clock ", " does not exist")
BULKHEAD_WORDS(DeviceType, device_types, "invalid device type \"", "\"")
BULKHEAD_WORDS(DeviceRuleType, device_rule_types, "invalid cgroup device type \"", "\"")
BULKHEAD_WORDS(Propagation, propagations, "rootfsPropagation=", " is not supported")
BULKHEAD_WORDS(PersonalityDomain, personality_domains, "invalid personality domain ", "")
BULKHEAD_WORDS(MemoryPolicyMode, memory_policy_modes, "invalid memory policy mode \"", "\"")
BULKHEAD_WORDS(MemoryPolicyFlag, memory_policy_flags, "invalid memory policy flag \"", "\"")
BULKHEAD_WORDS(SchedulerPolicy, scheduler_policies, "invalid scheduler policy: ", "")
BULKHEAD_WORDS(SchedulerFlag, scheduler_flags, "invalid scheduler flag: ", "")
BULKHEAD_WORDS(IoPriorityClass, io_priority_classes, "invalid ioPriority.Class: ", "")
BULKHEAD_WORDS(SeccompAction, seccomp_actions, "string ", " is not a valid action for seccomp")
BULKHEAD_WORDS(SeccompArch, seccomp_archs, "string ", " is not a valid arch for seccomp")
BULKHEAD_WORDS(SeccompFlag, seccomp_flags, "seccomp flag \"", "\" is not known")
BULKHEAD_WORDS(SeccompOp, seccomp_ops, "string ", " is not a valid operator for seccomp")

#undef BULKHEAD_WORDS

std::span<const RlimitName> rlimit_names() { return rlimits; }

}  // namespace bulkhead::spec
