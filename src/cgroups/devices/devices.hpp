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

// The rules that every container has, whatever its config says, as in runc (specconv's AllowedDevices): it
// may make any node, and open null, zero, full, random, urandom, tty, ptmx, the pts and tun.
std::span<const spec::DeviceRule> default_device_rules();

// The program for `rules` with the default rules after them. Every container has such a program, also for an
// empty list (as in runc: such a container opens /dev/null but not /dev/kmsg).
Result<std::vector<bpf_insn>> device_program(std::span<const spec::DeviceRule> rules);

// The program for `rules` alone. Without a rule nothing is allowed. A rule counts for each letter of its
// access by itself: the last rule for (type, major, minor, letter) decides, and a request is allowed if each
// of its letters is. A program that allows everything has two instructions. Kind::invalid_config: an access
// that is empty or has another letter than r, w, m; more than 4,096 rules; rules that need a jump of more
// than 32,767 instructions.
Result<std::vector<bpf_insn>> compile_device_rules(std::span<const spec::DeviceRule> rules);

}  // namespace bulkhead::cgroups
