// SPDX-License-Identifier: Apache-2.0
#include "seccomp/profile_text.hpp"

#include "base/json_writer.hpp"
#include "spec/words.hpp"

namespace bulkhead::seccomp {

namespace {

using Style = JsonWriter::Style;

template <class Meaning>
void write_words(JsonWriter& writer, std::string_view key, const std::vector<Meaning>& meanings) {
    writer.key(key).array(Style::spaced);
    for (const Meaning meaning : meanings) writer.value(spec::word(meaning));
    writer.end();
}

void write_arg(JsonWriter& writer, const spec::SeccompArg& arg) {
    writer.object(Style::spaced).member("index", arg.index).member("value", arg.value);
    if (arg.op == spec::SeccompOp::masked_eq) writer.member("valueTwo", arg.value_two);
    writer.member("op", spec::word(arg.op)).end();
}

void write_rule(JsonWriter& writer, const spec::SeccompSyscall& rule) {
    writer.object(Style::spaced).key("names").array(Style::filled);
    for (const std::string& name : rule.names) writer.value(name);
    writer.end().member("action", spec::word(rule.action));
    if (rule.errno_ret) writer.member("errnoRet", *rule.errno_ret);
    if (!rule.args.empty()) {
        writer.key("args").array(Style::spaced);
        for (const spec::SeccompArg& arg : rule.args) write_arg(writer, arg);
        writer.end();
    }
    writer.end();
}

}  // namespace

std::string profile_json(const spec::Seccomp& profile) {
    JsonWriter writer("\t", 2);
    writer.object(Style::lines).member("defaultAction", spec::word(profile.default_action));
    if (profile.default_errno_ret) writer.member("defaultErrnoRet", *profile.default_errno_ret);
    write_words(writer, "architectures", profile.architectures);
    if (profile.flags) write_words(writer, "flags", *profile.flags);
    if (!profile.listener_path.empty()) writer.member("listenerPath", profile.listener_path);
    if (!profile.listener_metadata.empty()) writer.member("listenerMetadata", profile.listener_metadata);
    writer.key("syscalls").array(Style::lines);
    for (const spec::SeccompSyscall& rule : profile.syscalls) write_rule(writer, rule);
    writer.end().end();
    return std::move(writer).text();
}

}  // namespace bulkhead::seccomp
