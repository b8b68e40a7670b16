// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/devices.hpp"

#include <array>
#include <cstddef>
#include <map>

#include "cgroups/devices/assembler.hpp"
#include "cgroups/devices/decision.hpp"

namespace bulkhead::cgroups {

namespace {

// The registers. The upper half of the kernel's word holds the wanted accesses (struct bpf_cgroup_dev_ctx);
// the program tests them there, without a shift. `key` is the major in the upper half and the minor in the
// lower.
enum : std::uint8_t {
    wanted = BPF_REG_2,
    type = BPF_REG_3,
    major = BPF_REG_4,
    minor = BPF_REG_5,
    key = BPF_REG_6,
    number = BPF_REG_7
};

// A list of comparisons for each type. Their targets are shared exits, one for each set of allowed accesses.
// Paths meet only in an exit, which looks at no register but `wanted`, so the verifier walks each instruction
// about once. The verifier needs 30 us for the default rules. A tree of majors and minors is shorter and
// takes 38 us, a chain of independent rules more than 100 us.
class Writer {
  public:
    Result<std::vector<bpf_insn>> write(const Decision& character, const Decision& block) {
        load(!character.exact.empty() || !block.exact.empty());
        if (character == block) {
            answer(character);
        } else {
            const Assembler::Label next = code_.label();
            code_.if_not_equal(type, BPF_DEVCG_DEV_CHAR, next);
            answer(character);
            code_.place(next);
            code_.if_not_equal(type, BPF_DEVCG_DEV_BLOCK, exit_for(0));
            answer(block);
        }
        exits();
        return code_.finish();
    }

  private:
    void load(bool with_key) {
        code_.load_word(wanted, offsetof(bpf_cgroup_dev_ctx, access_type));
        code_.copy(type, wanted);
        code_.mask(type, 0xffff);
        code_.load_word(major, offsetof(bpf_cgroup_dev_ctx, major));
        code_.load_word(minor, offsetof(bpf_cgroup_dev_ctx, minor));
        if (!with_key) return;
        code_.copy(key, major);
        code_.shift_left(key, 32);
        code_.add_bits(key, minor);
    }

    Assembler::Label exit_for(Access allowed) {
        const auto found = exits_.find(allowed);
        return found != exits_.end() ? found->second : exits_.emplace(allowed, code_.label()).first->second;
    }

    void answer(const Decision& decision) {
        for (const Exact& exact : decision.exact) {
            code_.load_number(number, std::uint64_t{exact.major} << 32 | exact.minor);
            code_.if_same(key, number, exit_for(exact.allowed));
        }
        for (const Partial& any : decision.majors) code_.if_equal(major, any.number, exit_for(any.allowed));
        for (const Partial& any : decision.minors) code_.if_equal(minor, any.number, exit_for(any.allowed));
        code_.go(exit_for(decision.rest));
    }

    // A bit of `wanted` that is not allowed denies, even a bit that no kernel uses today.
    void exits() {
        const Assembler::Label deny = exit_for(0);
        const Assembler::Label allow = exit_for(every_access);
        for (const auto& [allowed, label] : exits_) {
            if (allowed == 0 || allowed == every_access) continue;
            code_.place(label);
            code_.if_any_bit(wanted, ~static_cast<std::uint32_t>(allowed) << 16, deny);
            code_.go(allow);
        }
        code_.place(allow);
        code_.end(1);
        code_.place(deny);
        code_.end(0);
    }

    Assembler code_;
    std::map<Access, Assembler::Label> exits_;
};

bool is_constant(const Decision& decision) {
    return decision.exact.empty() && decision.majors.empty() && decision.minors.empty();
}

}  // namespace

std::span<const spec::DeviceRule> default_device_rules() {
    using enum spec::DeviceRuleType;
    static const std::array<spec::DeviceRule, 11> rules{{
        {true, character, {}, {}, "m"},     //
        {true, block, {}, {}, "m"},         //
        {true, character, 1, 3, "rwm"},     // null
        {true, character, 1, 8, "rwm"},     // random
        {true, character, 1, 7, "rwm"},     // full
        {true, character, 5, 0, "rwm"},     // tty
        {true, character, 1, 5, "rwm"},     // zero
        {true, character, 1, 9, "rwm"},     // urandom
        {true, character, 136, {}, "rwm"},  // pts
        {true, character, 5, 2, "rwm"},     // ptmx
        {true, character, 10, 200, "rwm"},  // net/tun: gone in runc 1.2.0, back in 1.2.4 (runc#4555)
    }};
    return rules;
}

Result<std::vector<bpf_insn>> device_program(std::span<const spec::DeviceRule> rules) {
    const auto defaults = default_device_rules();
    std::vector<spec::DeviceRule> all(rules.begin(), rules.end());
    all.insert(all.end(), defaults.begin(), defaults.end());
    return compile_device_rules(all);
}

Result<std::vector<bpf_insn>> compile_device_rules(std::span<const spec::DeviceRule> rules) {
    if (rules.size() > device_rules_limit + default_device_rules().size())
        return fail(Kind::invalid_config, "/linux/resources/devices: more than ", device_rules_limit,
                    " rules");
    LET(const Decision character, decide(rules, spec::DeviceRuleType::character));
    LET(const Decision block, decide(rules, spec::DeviceRuleType::block));
    if (character == block && is_constant(character) && character.rest == every_access) {
        Assembler always;
        always.end(1);
        return always.finish();
    }
    auto program = Writer().write(character, block);
    if (!program) return std::unexpected(std::move(program).error().under("/linux/resources/devices"));
    return program;
}

}  // namespace bulkhead::cgroups
