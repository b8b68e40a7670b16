// SPDX-License-Identifier: Apache-2.0
#include "seccomp/plan.hpp"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstring>

namespace bulkhead::seccomp {

namespace {

constexpr const char* pointer = "/linux/seccomp";
constexpr const char* listener_pointer = "/linux/seccomp/listenerPath";

plan::Numbers store(plan::TimelineBuilder& timeline, const std::vector<sock_filter>& instructions) {
    static_assert(sizeof(sock_filter) == 2 * sizeof(std::uint32_t));
    std::vector<std::uint32_t> numbers(instructions.size() * 2);
    std::memcpy(numbers.data(), instructions.data(), instructions.size() * sizeof(sock_filter));
    return timeline.numbers(numbers);
}

}  // namespace

Result<> check_flags(const spec::Seccomp& profile, const plan::HostFacts& host) {
    if (!profile.flags || host.kernel_at_least(5, 19)) return {};
    const auto found = std::ranges::find(*profile.flags, spec::SeccompFlag::wait_killable_recv);
    if (found == profile.flags->end()) return {};
    return fail(Kind::unsupported, "config.json: ", pointer, "/flags/", found - profile.flags->begin(),
                ": SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ", host.needs_kernel(5, 19));
}

void plan_filter(plan::TimelineBuilder& timeline, const Program& program) {
    timeline.init(plan::LoadSeccomp{store(timeline, program.instructions), program.flags}, pointer);
}

void plan_handshake(plan::TimelineBuilder& timeline, plan::Slot handshake) {
    timeline.init(plan::MapHandshake{handshake}, pointer);
}

void plan_listener(plan::TimelineBuilder& timeline, const Program& program, const spec::Seccomp& profile,
                   std::string status) {
    const std::uint32_t flags = program.flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
    timeline.init(plan::ReportListener{}, listener_pointer);
    timeline.init(plan::LoadSeccomp{store(timeline, program.instructions), flags}, pointer);
    timeline.host(plan::DeliverListener{profile.listener_path, profile.listener_metadata, std::move(status)},
                  listener_pointer);
    timeline.init(plan::AwaitDelivery{}, listener_pointer);
}

}  // namespace bulkhead::seccomp
