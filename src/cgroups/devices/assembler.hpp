// SPDX-License-Identifier: Apache-2.0
// The few BPF instructions that a device program needs, with labels instead of offsets. Pure.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <vector>

#include "base/error.hpp"

namespace bulkhead::cgroups {

class Assembler {
  public:
    enum class Label : std::size_t {};

    Label label();
    void place(Label label);  // stands for the next instruction; drops a `go` to it just before

    void load_word(std::uint8_t to, std::int16_t offset);  // to = *(u32*)(context + offset)
    void copy(std::uint8_t to, std::uint8_t from);         // 32 bits
    void mask(std::uint8_t to, std::uint32_t bits);        // to &= bits, 32 bits
    void shift_left(std::uint8_t to, std::uint32_t bits);  // 64 bits, like the next two
    void add_bits(std::uint8_t to, std::uint8_t from);     // to |= from
    void load_number(std::uint8_t to, std::uint64_t number);
    // 32-bit comparisons (kernel 5.1), so that numbers above 2^31 are not sign-extended.
    void if_equal(std::uint8_t reg, std::uint32_t number, Label target);
    void if_not_equal(std::uint8_t reg, std::uint32_t number, Label target);
    void if_same(std::uint8_t reg, std::uint8_t other, Label target);  // 64 bits
    void if_any_bit(std::uint8_t reg, std::uint32_t bits, Label target);
    void go(Label target);
    void end(std::int32_t result);  // return result

    // Kind::invalid_config if a jump is longer than its 16 bits can express.
    Result<std::vector<bpf_insn>> finish() const;

  private:
    struct Jump {
        std::size_t at;
        Label target;
    };
    void add(int code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::uint32_t number);
    void jump(int code, std::uint8_t reg, std::uint8_t other, std::uint32_t number, Label target);

    std::vector<bpf_insn> code_;
    std::vector<Jump> jumps_;
    std::vector<std::size_t> places_;  // by label
    std::size_t last_place_ = 0;
};

}  // namespace bulkhead::cgroups
