// SPDX-License-Identifier: Apache-2.0
#include "plan/explain.hpp"

#include <algorithm>
#include <array>

#include "plan/describe.hpp"

namespace bulkhead::plan {

namespace {

constexpr std::array call_names{
    "",
    "bind",
    "faccessat",
    "fchdir",
    "fchown",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "fstat",
    "getdents64",
    "getcwd",
    "ioctl",
    "ioprio_set",
    "close_range",
    "capset",
    "check",
    "chroot",
    "clone",
    "dup3",
    "execve",
    "keyctl",
    "mkdirat",
    "mknodat",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "openat",
    "openat2",
    "personality",
    "pivot_root",
    "poll",
    "prctl",
    "prlimit",
    "read",
    "readlinkat",
    "sched_setaffinity",
    "sched_setattr",
    "seccomp",
    "sendfile",
    "sendmsg",
    "set_mempolicy",
    "setdomainname",
    "setgroups",
    "sethostname",
    "setns",
    "setresgid",
    "setresuid",
    "setsid",
    "socket",
    "symlinkat",
    "sigaction",
    "umount",
    "unlinkat",
    "unshare",
    "write",
};
static_assert(call_names.size() == static_cast<std::size_t>(Call::call_count));

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string_view lane_name(const Step& step) { return step.lane() == Lane::host ? "host" : "init"; }

}  // namespace

const char* name_of(Call call) {
    const auto index = static_cast<std::size_t>(call);
    return index < call_names.size() ? call_names[index] : "";
}

Description describe(const Step& step, ArenaView arena) {
    if (const auto* host = std::get_if<HostOp>(&step.op))
        return std::visit([](const auto& op) { return describe_host(op); }, *host);
    return visit<Description>(std::get<InitStep>(step.op),
                              [&](const auto& op) { return describe_init(op, arena); });
}

std::string explain_text(const Timeline& timeline) {
    constexpr std::size_t number_width = 3, verb_width = 22, object_width = 58;
    std::string text;
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const Step& step = timeline.steps()[i];
        const Description what = describe(step, timeline.arena());
        const std::string number = cat(i);
        text.append(number_width - std::min(number_width, number.size()), ' ').append(number);
        text.append(cat("  ", lane_name(step), "  ", padded(what.verb, verb_width)));
        text.append(step.pointer.empty()
                        ? quotable(what.object)
                        : cat(padded(quotable(what.object), object_width), "  ", step.pointer));
        while (text.ends_with(' ')) text.pop_back();
        text.push_back('\n');
    }
    return text;
}

std::string explain_json(const Timeline& timeline) {
    std::string text("[");
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const Step& step = timeline.steps()[i];
        const Description what = describe(step, timeline.arena());
        text.append(i == 0 ? "\n" : ",\n");
        text.append(cat(
            "  {\"step\": ", i, ", \"lane\": ", json_string(lane_name(step)),
            ", \"verb\": ", json_string(what.verb), ", \"object\": ", json_string(what.object),
            ", \"property\": ", step.pointer.empty() ? std::string("null") : json_string(step.pointer), "}"));
    }
    return text.append("\n]\n");
}

}  // namespace bulkhead::plan
