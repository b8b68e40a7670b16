// SPDX-License-Identifier: Apache-2.0
#include "seccomp/library.hpp"

#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "seccomp/program.hpp"
#include "spec/words.hpp"

namespace bulkhead::seccomp {

namespace {

using enum spec::SeccompArch;

struct Token {
    spec::SeccompArch arch;
    std::uint32_t token;
};

constexpr Token tokens[] = {
    {x86, SCMP_ARCH_X86},
    {x86_64, SCMP_ARCH_X86_64},
    {x32, SCMP_ARCH_X32},
    {arm, SCMP_ARCH_ARM},
    {aarch64, SCMP_ARCH_AARCH64},
    {mips, SCMP_ARCH_MIPS},
    {mips64, SCMP_ARCH_MIPS64},
    {mips64n32, SCMP_ARCH_MIPS64N32},
    {mipsel, SCMP_ARCH_MIPSEL},
    {mipsel64, SCMP_ARCH_MIPSEL64},
    {mipsel64n32, SCMP_ARCH_MIPSEL64N32},
    {ppc, SCMP_ARCH_PPC},
    {ppc64, SCMP_ARCH_PPC64},
    {ppc64le, SCMP_ARCH_PPC64LE},
    {s390, SCMP_ARCH_S390},
    {s390x, SCMP_ARCH_S390X},
    {parisc, SCMP_ARCH_PARISC},
    {parisc64, SCMP_ARCH_PARISC64},
    {riscv64, SCMP_ARCH_RISCV64},
#ifdef SCMP_ARCH_LOONGARCH64  // 2.6, with the next three
    {loongarch64, SCMP_ARCH_LOONGARCH64},
    {m68k, SCMP_ARCH_M68K},
    {sh, SCMP_ARCH_SH},
    {sheb, SCMP_ARCH_SHEB},
#endif
};
static_assert(std::ranges::is_sorted(tokens, {}, &Token::arch));

// Passes no filter: EFAULT means that the kernel accepted the flags and looked for one, EINVAL that it does
// not know the flags.
bool kernel_takes(std::uint32_t flags) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, nullptr) == -1 && errno == EFAULT;
}

}  // namespace

std::string library_version() {
    const scmp_version* version = seccomp_version();
    return cat(version->major, '.', version->minor, '.', version->micro);
}

std::optional<std::uint32_t> library_arch(spec::SeccompArch arch) {
    const auto* found = std::ranges::find(tokens, arch, &Token::arch);
    return found == std::end(tokens) ? std::nullopt : std::optional(found->token);
}

std::vector<std::string_view> known_architectures() {
    std::vector<std::string_view> words;
    for (const auto& word : spec::word_list<spec::SeccompArch>().words)
        if (library_arch(word.meaning)) words.push_back(word.text);
    return words;
}

std::vector<std::string_view> supported_flags() {
    std::vector<std::string_view> words;
    for (const auto& word : spec::word_list<spec::SeccompFlag>().words) {
        const bool of_a_listener = word.meaning == spec::SeccompFlag::wait_killable_recv;
        const std::uint32_t listener = of_a_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
        if (kernel_takes(kernel_flag(word.meaning) | listener)) words.push_back(word.text);
    }
    return words;
}

}  // namespace bulkhead::seccomp
