// SPDX-License-Identifier: Apache-2.0
#include "seccomp/unknown_calls.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "seccomp/library.hpp"

namespace bulkhead::seccomp {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000;
// x32 shares the numbers of x86-64, but for 36 of its own that no kernel will add to (unistd_x32.h).
constexpr std::uint32_t x32_own_first = 512;
constexpr std::uint32_t x32_own_last = 547;

// The highest number that the profile names in one architecture, without x32's own; 0 if it names none.
std::uint32_t highest_named(const spec::Seccomp& profile, std::uint32_t arch) {
    const bool x32 = arch == SCMP_ARCH_X32;
    std::uint32_t highest = 0;
    for (const spec::SeccompSyscall& rule : profile.syscalls)
        for (const std::string& name : rule.names) {
            const int number = seccomp_syscall_resolve_name_arch(arch, name.c_str());
            if (number < 0) continue;  // unknown, or not in this architecture
            const std::uint32_t plain = static_cast<std::uint32_t>(number) & ~(x32 ? x32_bit : 0);
            if (!x32 || plain < x32_own_first) highest = std::max(highest, plain);
        }
    return highest;
}

// The kernel gives x86-64 and x32 one architecture; libseccomp's token for x32 is its own.
std::uint32_t audit_arch(std::uint32_t arch) { return arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch; }

constexpr sock_filter load(std::size_t offset) {
    return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
constexpr sock_filter jump(int test, std::uint32_t number, std::uint8_t yes, std::uint8_t no) {
    return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), yes, no, number};
}
constexpr sock_filter leave = {BPF_JMP | BPF_JA, 0, 0, 0};  // to the end; k is set when that is known
constexpr sock_filter no_such_call = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS};
constexpr sock_filter load_number = load(offsetof(seccomp_data, nr));

using Code = std::vector<sock_filter>;

Code refuse_above(std::uint32_t highest) {
    return {load_number, jump(BPF_JGT, highest, 0, 1), no_such_call, leave};
}

// The same for x86-64, whose calls with bit 30 are x32's. If x32 is not listed, they are left to the filter,
// for which they belong to a foreign architecture.
Code refuse_above_x86_64(std::uint32_t highest, std::uint32_t highest_x32) {
    constexpr std::uint32_t never = 0xffffffff;
    const std::uint32_t limit = highest == 0 ? never : highest;
    const std::uint32_t x32_limit = highest_x32 == 0 ? never : highest_x32 | x32_bit;
    const std::uint32_t x32_end = highest_x32 == 0 ? never : x32_own_last | x32_bit;
    return {
        load_number,
        jump(BPF_JGE, x32_bit, 1, 0),
        jump(BPF_JGT, limit, 3, 4),
        jump(BPF_JGT, x32_end, 2, 0),
        jump(BPF_JGE, x32_own_first | x32_bit, 2, 0),
        jump(BPF_JGT, x32_limit, 0, 1),
        no_such_call,
        leave,
    };
}

Code section(const spec::Seccomp& profile, std::uint32_t arch, bool x32_listed) {
    const std::uint32_t highest = highest_named(profile, arch);
    if (arch != SCMP_ARCH_X86_64) return highest == 0 ? Code{} : refuse_above(highest);
    return refuse_above_x86_64(highest, x32_listed ? highest_named(profile, SCMP_ARCH_X32) : 0);
}

bool wants_an_answer(const spec::Seccomp& profile) {
    using enum spec::SeccompAction;
    const auto action = profile.default_action;
    if (action == allow || action == log || action == trace) return false;
    return action != error || profile.default_errno_ret != ENOSYS;
}

// The listed ones by the kernel's numbers, the machine's own among them, each once.
std::vector<std::uint32_t> sections_of(const std::vector<std::uint32_t>& listed) {
    std::vector<std::uint32_t> archs{seccomp_arch_native()};
    for (const std::uint32_t arch : listed)
        if (std::ranges::find(archs, audit_arch(arch)) == archs.end()) archs.push_back(audit_arch(arch));
    return archs;
}

}  // namespace

std::vector<sock_filter> answer_unknown_calls(const spec::Seccomp& profile) {
    if (!wants_an_answer(profile)) return {};
    std::vector<std::uint32_t> listed;
    for (const spec::SeccompArch arch : profile.architectures)
        if (const auto token = library_arch(arch)) listed.push_back(*token);
    const bool x32_listed = std::ranges::find(listed, std::uint32_t{SCMP_ARCH_X32}) != listed.end();

    Code code{load(offsetof(seccomp_data, arch))};
    for (const std::uint32_t arch : sections_of(listed)) {
        const Code part = section(profile, arch, x32_listed);
        if (part.empty()) continue;
        code.push_back(jump(BPF_JEQ, arch, 0, static_cast<std::uint8_t>(part.size())));
        code.insert(code.end(), part.begin(), part.end());
    }
    if (code.size() == 1) return {};
    for (std::size_t at = 0; at < code.size(); ++at)
        if (code[at].code == leave.code) code[at].k = static_cast<std::uint32_t>(code.size() - at - 1);
    return code;
}

}  // namespace bulkhead::seccomp
