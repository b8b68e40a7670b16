// SPDX-License-Identifier: Apache-2.0
// Runs a device program as the kernel would, for the tests: the instructions that Assembler knows, and no
// others.
#pragma once

#include <linux/bpf.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

namespace bulkhead::cgroups::testing {

struct Machine {
    std::array<std::uint64_t, 11> reg{};
    bpf_cgroup_dev_ctx context{};
    std::size_t at = 0;
    bool ended = false;

    std::uint32_t low(unsigned number) const { return static_cast<std::uint32_t>(reg.at(number)); }

    std::uint64_t loaded(const bpf_insn& insn) const {
        std::uint32_t word = 0;
        if (insn.src_reg != 1 || insn.off < 0 || insn.off + 4u > sizeof context)
            throw std::runtime_error("load");
        std::memcpy(&word, reinterpret_cast<const char*>(&context) + insn.off, 4);
        return word;
    }

    static std::uint64_t number_at(std::span<const bpf_insn> program, std::size_t at) {
        const std::uint64_t high = static_cast<std::uint32_t>(program[at + 1].imm);
        return high << 32 | static_cast<std::uint32_t>(program[at].imm);
    }

    void step(std::span<const bpf_insn> program) {
        const bpf_insn& insn = program[at];
        const auto number = static_cast<std::uint32_t>(insn.imm);
        const auto jump = [&](bool taken) { at += taken ? static_cast<std::size_t>(insn.off) : 0; };
        ++at;
        switch (insn.code) {
            case BPF_LDX | BPF_MEM | BPF_W: reg.at(insn.dst_reg) = loaded(insn); break;
            case BPF_ALU | BPF_MOV | BPF_X: reg.at(insn.dst_reg) = low(insn.src_reg); break;
            case BPF_ALU | BPF_AND | BPF_K: reg.at(insn.dst_reg) = low(insn.dst_reg) & number; break;
            case BPF_ALU64 | BPF_MOV | BPF_K: reg.at(insn.dst_reg) = number; break;
            case BPF_ALU64 | BPF_LSH | BPF_K: reg.at(insn.dst_reg) <<= number; break;
            case BPF_ALU64 | BPF_OR | BPF_X: reg.at(insn.dst_reg) |= reg.at(insn.src_reg); break;
            case BPF_LD | BPF_IMM | BPF_DW: reg.at(insn.dst_reg) = number_at(program, at++ - 1); break;
            case BPF_JMP | BPF_JEQ | BPF_X: jump(reg.at(insn.dst_reg) == reg.at(insn.src_reg)); break;
            case BPF_JMP32 | BPF_JEQ | BPF_K: jump(low(insn.dst_reg) == number); break;
            case BPF_JMP32 | BPF_JNE | BPF_K: jump(low(insn.dst_reg) != number); break;
            case BPF_JMP32 | BPF_JSET | BPF_K: jump((low(insn.dst_reg) & number) != 0); break;
            case BPF_JMP | BPF_JA: jump(true); break;
            case BPF_JMP | BPF_EXIT: ended = true; break;
            default: throw std::runtime_error("unknown instruction");
        }
    }
};

// type: BPF_DEVCG_DEV_*; access: BPF_DEVCG_ACC_*
inline bool allows(std::span<const bpf_insn> program, std::uint32_t type, std::uint32_t major,
                   std::uint32_t minor, std::uint32_t access) {
    Machine machine{.context = {.access_type = access << 16 | type, .major = major, .minor = minor}};
    while (!machine.ended) {
        if (machine.at >= program.size()) throw std::runtime_error("ran off the end");
        machine.step(program);
    }
    return machine.reg[0] == 1;
}

}  // namespace bulkhead::cgroups::testing
