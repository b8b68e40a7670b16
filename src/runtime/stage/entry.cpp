// SPDX-License-Identifier: Apache-2.0
// The stage's first instructions: a freestanding static ELF without libc, constructors or relocations. It
// hides from ptrace, maps its plan and walks it; without a plan it does nothing (CVE-2019-5736).
#include <linux/mman.h>
#include <linux/prctl.h>

#include "base/raw.hpp"
#include "runtime/stage/walk.hpp"

namespace {

using namespace bulkhead;

// argv[1]: the number of the first descriptor handed over, in decimal.
int parse_handover(const char* digits) {
    int number = 0;
    for (; *digits >= '0' && *digits <= '9'; ++digits) number = number * 10 + (*digits - '0');
    return number;
}

char* map_plan(int fd) {
    struct statx status {};
    if (raw::statx(fd, &status) < 0 || status.stx_size < sizeof(plan::PlanHeader)) return nullptr;
    const auto size = static_cast<long>(status.stx_size);
    const long mapped =
        raw::call(__NR_mmap, 0L, size, long{PROT_READ | PROT_WRITE}, long{MAP_PRIVATE}, long{fd}, 0L);
    if (mapped < 0 && mapped > -4096) return nullptr;
    auto* bytes = reinterpret_cast<char*>(mapped);
    const auto& plan = *reinterpret_cast<const plan::PlanHeader*>(bytes);
    return plan.magic == plan::PlanHeader::expected_magic && plan.size == status.stx_size ? bytes : nullptr;
}

}  // namespace

extern "C" [[noreturn]] void stage_main(long argc, char** argv) {
    constexpr long no_plan = 64;  // EX_USAGE
    raw::call(__NR_prctl, long{PR_SET_DUMPABLE}, 0L, 0L, 0L, 0L);
    raw::call(__NR_prctl, long{PR_SET_NAME}, "bulkhead:init", 0L, 0L, 0L);
    long code = no_plan;
    if (argc == 2) {
        const int handover = parse_handover(argv[1]);
        if (char* plan = map_plan(handover + plan::handover_plan)) code = stage::walk(plan, handover);
    }
    for (;;) raw::call(__NR_exit_group, code);
}

// The kernel's entry state: argc at the stack pointer, argv after it.
#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov (%rsp), %rdi\n"
    "  lea 8(%rsp), %rsi\n"
    "  and $-16, %rsp\n"
    "  call stage_main\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  ldr x0, [sp]\n"
    "  add x1, sp, #8\n"
    "  bl stage_main\n");
#endif
