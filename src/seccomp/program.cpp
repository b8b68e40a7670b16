// SPDX-License-Identifier: Apache-2.0
#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

namespace {

bool instruction_is_sound(const sock_filter& instruction, std::size_t behind) {
    switch (instruction.code) {
        case BPF_LD | BPF_W | BPF_ABS: return instruction.k % 4 == 0 && instruction.k < sizeof(seccomp_data);
        case BPF_ALU | BPF_AND | BPF_K:
        case BPF_RET | BPF_K: return true;
        case BPF_JMP | BPF_JA: return instruction.k < behind;
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
        case BPF_JMP | BPF_JSET | BPF_K: return instruction.jt < behind && instruction.jf < behind;
        default: return false;
    }
}

}  // namespace

bool is_sound(std::span<const sock_filter> program) {
    if (program.empty() || program.size() > BPF_MAXINSNS) return false;
    for (std::size_t at = 0; at < program.size(); ++at)
        if (!instruction_is_sound(program[at], program.size() - at - 1)) return false;
    return program.back().code == (BPF_RET | BPF_K);
}

}  // namespace bulkhead::seccomp
