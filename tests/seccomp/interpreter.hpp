// SPDX-License-Identifier: Apache-2.0
// Runs a filter as the kernel would: classic BPF over a call, and what it answers. And profiles to run, from
// JSON.
#pragma once

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "seccomp/compile.hpp"
#include "spec/support.hpp"

namespace bulkhead::seccomp::test {

inline constexpr std::uint32_t allowed = SECCOMP_RET_ALLOW;
inline constexpr std::uint32_t killed = SECCOMP_RET_KILL_THREAD;
constexpr std::uint32_t refused(std::uint32_t error) { return SECCOMP_RET_ERRNO | error; }

inline constexpr std::uint32_t x32_bit = 0x40000000;

// A call of x86-64 unless `arch` says otherwise.
struct Entry {
    std::uint32_t number;
    std::array<std::uint64_t, 6> args{};
    std::uint32_t arch = AUDIT_ARCH_X86_64;
};

inline std::uint32_t loaded(const Entry& entry, std::uint32_t offset) {
    seccomp_data data{.nr = static_cast<int>(entry.number), .arch = entry.arch, .instruction_pointer = 0};
    std::memcpy(data.args, entry.args.data(), sizeof data.args);
    std::uint32_t word = 0;
    if (offset % 4 != 0 || offset + 4 > sizeof data) throw std::runtime_error("load");
    std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, 4);
    return word;
}

// The answer to a call: SECCOMP_RET_* with its data.
inline std::uint32_t answer(std::span<const sock_filter> program, const Entry& entry) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < program.size();) {
        const sock_filter& one = program[at++];
        const auto jump = [&](bool taken) { at += taken ? one.jt : one.jf; };
        switch (one.code) {
            case BPF_LD | BPF_W | BPF_ABS: a = loaded(entry, one.k); break;
            case BPF_ALU | BPF_AND | BPF_K: a &= one.k; break;
            case BPF_JMP | BPF_JA: at += one.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: jump(a == one.k); break;
            case BPF_JMP | BPF_JGT | BPF_K: jump(a > one.k); break;
            case BPF_JMP | BPF_JGE | BPF_K: jump(a >= one.k); break;
            case BPF_JMP | BPF_JSET | BPF_K: jump((a & one.k) != 0); break;
            case BPF_RET | BPF_K: return one.k;
            default: throw std::runtime_error("unknown instruction");
        }
    }
    throw std::runtime_error("ran off the end");
}
inline std::uint32_t answer(const Program& program, const Entry& entry) {
    return answer(program.instructions, entry);
}

// linux.seccomp, read as config.json is.
inline spec::Seccomp profile(const std::string& json) {
    auto spec = spec::parse(spec::test::with("/linux/seccomp", json));
    if (!spec) throw std::runtime_error(spec.error().text);
    return *spec->linux.seccomp;
}

inline Program compiled(const std::string& json) {
    auto program = compile(profile(json));
    if (!program) throw std::runtime_error(program.error().text);
    return std::move(*program);
}

// The sentence of the error, or "fine".
inline std::string verdict(const std::string& json) {
    const auto program = compile(profile(json));
    return program ? "fine" : program.error().text;
}

}  // namespace bulkhead::seccomp::test
