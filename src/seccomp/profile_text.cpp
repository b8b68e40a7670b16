// SPDX-License-Identifier: Apache-2.0
#include "seccomp/profile_text.hpp"

#include "base/text.hpp"
#include "spec/words.hpp"

namespace bulkhead::seccomp {

namespace {

constexpr std::string_view indent = "\n\t\t\t";
constexpr std::string_view deeper = "\n\t\t\t\t";
constexpr std::size_t line_limit = 100;  // of names, in bytes

template <class Meaning>
std::string words(const std::vector<Meaning>& meanings) {
    std::vector<std::string> list;
    list.reserve(meanings.size());
    for (const Meaning meaning : meanings) list.push_back(json_string(spec::word(meaning)));
    return cat('[', join(list, ", "), ']');
}

// On one line, or on as many as are needed.
std::string names_json(const std::vector<std::string>& names) {
    std::string text("[");
    for (std::size_t line = text.size(); const std::string& name : names) {
        if (&name != &names.front()) text.append(", ");
        if (text.size() - line > line_limit) {
            text.pop_back();
            text.append(deeper).append("\t");
            line = text.size();
        }
        text.append(json_string(name));
    }
    return text.append("]");
}

std::string errno_json(std::string_view key, std::optional<std::uint32_t> number) {
    return number ? cat(", \"", key, "\": ", *number) : "";
}

std::string arg_json(const spec::SeccompArg& arg) {
    return cat("{\"index\": ", arg.index, ", \"value\": ", arg.value,
               arg.op == spec::SeccompOp::masked_eq ? cat(", \"valueTwo\": ", arg.value_two) : "",
               ", \"op\": ", json_string(spec::word(arg.op)), '}');
}

std::string rule_json(const spec::SeccompSyscall& rule) {
    std::vector<std::string> args;
    args.reserve(rule.args.size());
    for (const spec::SeccompArg& arg : rule.args) args.push_back(arg_json(arg));
    return cat("{\"names\": ", names_json(rule.names), ", \"action\": ", json_string(spec::word(rule.action)),
               errno_json("errnoRet", rule.errno_ret), args.empty() ? "" : ", \"args\": [", join(args, ", "),
               args.empty() ? "" : "]", '}');
}

}  // namespace

std::string profile_json(const spec::Seccomp& profile) {
    std::string text =
        cat("{", indent, "\"defaultAction\": ", json_string(spec::word(profile.default_action)));
    if (profile.default_errno_ret)
        text.append(cat(",", indent, "\"defaultErrnoRet\": ", *profile.default_errno_ret));
    text.append(cat(",", indent, "\"architectures\": ", words(profile.architectures)));
    if (profile.flags) text.append(cat(",", indent, "\"flags\": ", words(*profile.flags)));
    if (!profile.listener_path.empty())
        text.append(cat(",", indent, "\"listenerPath\": ", json_string(profile.listener_path)));
    if (!profile.listener_metadata.empty())
        text.append(cat(",", indent, "\"listenerMetadata\": ", json_string(profile.listener_metadata)));
    text.append(cat(",", indent, "\"syscalls\": ["));
    for (const spec::SeccompSyscall& rule : profile.syscalls)
        text.append(&rule == &profile.syscalls.front() ? "" : ",").append(deeper).append(rule_json(rule));
    return text.append(cat(indent, "]\n\t\t}"));
}

}  // namespace bulkhead::seccomp
