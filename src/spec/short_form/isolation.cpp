// SPDX-License-Identifier: Apache-2.0
// Keys of namespaces and what belongs to them, seccomp, hooks.
#include <algorithm>
#include <array>
#include <optional>

#include "spec/parse.hpp"
#include "spec/short_form/document.hpp"

namespace bulkhead::spec::short_form {

using Kind = yaml::Node::Kind;

namespace {

constexpr std::array<std::string_view, 8> namespace_names{"cgroup", "ipc",  "mount", "network",
                                                          "pid",    "time", "user",  "uts"};

Json::iterator namespace_of(Json& list, std::string_view name) {
    return std::find_if(list.begin(), list.end(), [&](const Json& one) { return one["type"] == name; });
}

// private (a new one), host (none), or the path of one to join
Result<> put_namespace(Document& document, const std::string& name, const Value& value,
                       std::string_view pointer) {
    LET(const auto written, text(value));
    if (written != "private" && written != "host" && !written.starts_with('/'))
        return value.refuse("must be private, host, or the absolute path of a namespace");
    Json& list = document.at(pointer);
    const auto old = namespace_of(list, name);
    if (written == "host") {
        if (old != list.end()) list.erase(old);
        return {};
    }
    Json made{{"type", name}};
    if (written != "private") made["path"] = written;
    if (old == list.end())
        document.append(pointer, std::move(made), value);
    else
        document.put(cat(pointer, "/", old - list.begin()), std::move(made), value);
    return {};
}

constexpr std::array<std::string_view, 4> hook_keys{"path", "args", "env", "timeout"};

// A command whose first word is the path, or the standard's object.
Result<Json> hook(const Value& value) {
    if (value.is(Kind::map)) {
        TRY(require_keys(value, hook_keys));
        return json_of(value);
    }
    LET(auto command, words(value));
    if (command.empty()) return value.refuse("must have a word");
    Json made{{"path", command.front()}};
    if (command.size() > 1) made["args"] = std::move(command);
    return made;
}

Result<> put_hooks_of(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_list(value));
    document.put(pointer, Json::array(), value);
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        LET(auto made, hook(value.item(i)));
        document.append(pointer, std::move(made), value.item(i));
    }
    return {};
}

constexpr std::array<std::string_view, 2> clocks{"boottime", "monotonic"};

}  // namespace

Result<> put_namespaces(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_keys(value, namespace_names));
    for (const yaml::Entry& entry : value.node->entries)
        TRY(put_namespace(document, entry.key, value.member(entry), pointer));
    return {};
}

Result<> put_hooks(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_keys(value, hook_names()));
    for (const yaml::Entry& entry : value.node->entries)
        TRY(put_hooks_of(document, value.member(entry), cat(pointer, "/", entry.key)));
    return {};
}

Result<> put_time_offsets(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_keys(value, clocks));
    for (const yaml::Entry& entry : value.node->entries) {
        LET(const auto seconds, whole(value.member(entry)));
        document.put(cat(pointer, "/", entry.key), Json{{"secs", seconds}}, value.member(entry));
    }
    return {};
}

// NAME of the host: its name in the container
Result<> put_net_devices(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_map(value));
    document.put(pointer, Json::object(), value);
    for (const yaml::Entry& entry : value.node->entries) {
        LET(auto name, text(value.member(entry)));
        document.at(pointer)[entry.key] = Json{{"name", std::move(name)}};
    }
    return {};
}

Result<> put_seccomp(Document& document, const Value& value, std::string_view pointer) {
    LET(const auto written, text(value));
    if (written == "unconfined") {
        document.remove("/linux", "seccomp");
        return {};
    }
    if (written != "default" && !written.contains('/'))
        return value.refuse("must be default, unconfined, or a path with a \"/\" in it");
    const bool is_default = written == "default";
    LET(const auto tree,
        json::read(is_default ? document.inputs().default_profile : document.inputs().named_profile,
                   written));
    (void)tree;  // well-formed, so the next line succeeds
    document.put(
        pointer,
        Json::parse(is_default ? document.inputs().default_profile : document.inputs().named_profile), value);
    return {};
}

}  // namespace bulkhead::spec::short_form
