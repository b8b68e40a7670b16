// SPDX-License-Identifier: Apache-2.0
// linux.resources.devices -> a BPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. Pure.
#pragma once

#include <linux/bpf.h>

#include <span>
#include <vector>

#include "base/error.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

inline constexpr std::size_t device_rules_limit = 4096;

// What every container may use whatever its config says, as in runc (specconv's AllowedDevices): making any
// node, and opening null, zero, full, random, urandom, tty, ptmx, the pts and tun.
std::span<const spec::DeviceRule> default_device_rules();

// The program for `rules` with the default rules after them; this is what a container gets, with an empty
// list, too (runc does the same: such a container opens /dev/null but not /dev/kmsg).
Result<std::vector<bpf_insn>> device_program(std::span<const spec::DeviceRule> rules);

// The program for `rules` and nothing else. Nothing is allowed at first. A rule speaks about each letter of
// its access by itself, the last rule that speaks about (type, major, minor, letter) decides, and a request
// is allowed if each of its letters is. Where all is allowed the program is two instructions.
// Kind::invalid_config: an access that is empty or has another letter than r, w, m; more than 4,096 rules;
// rules that need a jump of more than 32,767 instructions.
Result<std::vector<bpf_insn>> compile_device_rules(std::span<const spec::DeviceRule> rules);

}  // namespace bulkhead::cgroups
