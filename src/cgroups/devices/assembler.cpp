// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/assembler.hpp"

#include <limits>

namespace bulkhead::cgroups {

Assembler::Label Assembler::label() {
    places_.push_back(0);
    return Label(places_.size() - 1);
}

void Assembler::place(Label label) {
    const bool jumped_here = !jumps_.empty() && jumps_.back().at + 1 == code_.size() &&
                             jumps_.back().target == label && code_.back().code == (BPF_JMP | BPF_JA);
    if (jumped_here && last_place_ != code_.size()) {  // no other label stands behind the jump
        code_.pop_back();
        jumps_.pop_back();
    }
    places_[static_cast<std::size_t>(label)] = last_place_ = code_.size();
}

void Assembler::add(int code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::uint32_t number) {
    bpf_insn instruction{};
    instruction.code = static_cast<std::uint8_t>(code);
    instruction.dst_reg = to & 15u;
    instruction.src_reg = from & 15u;
    instruction.off = offset;
    instruction.imm = static_cast<std::int32_t>(number);
    code_.push_back(instruction);
}

void Assembler::jump(int code, std::uint8_t reg, std::uint8_t other, std::uint32_t number, Label target) {
    jumps_.push_back({code_.size(), target});
    add(code, reg, other, 0, number);
}

void Assembler::load_word(std::uint8_t to, std::int16_t offset) {
    add(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0);
}
void Assembler::copy(std::uint8_t to, std::uint8_t from) { add(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
void Assembler::mask(std::uint8_t to, std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, to, 0, 0, bits); }

void Assembler::shift_left(std::uint8_t to, std::uint32_t bits) {
    add(BPF_ALU64 | BPF_LSH | BPF_K, to, 0, 0, bits);
}
void Assembler::add_bits(std::uint8_t to, std::uint8_t from) {
    add(BPF_ALU64 | BPF_OR | BPF_X, to, from, 0, 0);
}
void Assembler::load_number(std::uint8_t to, std::uint64_t number) {  // two instructions
    add(BPF_LD | BPF_IMM | BPF_DW, to, 0, 0, static_cast<std::uint32_t>(number));
    add(0, 0, 0, 0, static_cast<std::uint32_t>(number >> 32));
}

void Assembler::if_equal(std::uint8_t reg, std::uint32_t number, Label target) {
    jump(BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, number, target);
}
void Assembler::if_not_equal(std::uint8_t reg, std::uint32_t number, Label target) {
    jump(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, number, target);
}
void Assembler::if_same(std::uint8_t reg, std::uint8_t other, Label target) {
    jump(BPF_JMP | BPF_JEQ | BPF_X, reg, other, 0, target);
}
void Assembler::if_any_bit(std::uint8_t reg, std::uint32_t bits, Label target) {
    jump(BPF_JMP32 | BPF_JSET | BPF_K, reg, 0, bits, target);
}
void Assembler::go(Label target) { jump(BPF_JMP | BPF_JA, 0, 0, 0, target); }

void Assembler::end(std::int32_t result) {
    add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, static_cast<std::uint32_t>(result));
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

Result<std::vector<bpf_insn>> Assembler::finish() const {
    constexpr std::size_t reach = std::numeric_limits<std::int16_t>::max();
    std::vector<bpf_insn> program = code_;
    for (const Jump& jump : jumps_) {
        const std::size_t distance =
            places_[static_cast<std::size_t>(jump.target)] - jump.at - 1;  // every jump goes forward
        if (distance > reach)
            return fail(Kind::invalid_config, "the program has ", code_.size(),
                        " instructions, and a jump in it reaches only ", reach);
        program[jump.at].off = static_cast<std::int16_t>(distance);
    }
    return program;
}

}  // namespace bulkhead::cgroups
