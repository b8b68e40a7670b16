// SPDX-License-Identifier: Apache-2.0
// The keys that make /process.
#include <algorithm>
#include <array>

#include "spec/short_form/document.hpp"

namespace bulkhead::spec::short_form {

using Kind = yaml::Node::Kind;

namespace {

// Sets a variable, and replaces one of this name.
void set_variable(Document& document, std::string_view pointer, std::string variable, const Value& value) {
    const std::string_view start = std::string_view(variable).substr(0, variable.find('=') + 1);
    Json& list = document.at(pointer);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i].get_ref<const std::string&>().starts_with(start))
            return document.put(cat(pointer, "/", i), std::move(variable), value);
    document.append(pointer, std::move(variable), value);
}

// "net_raw", "CAP_NET_RAW" -> "CAP_NET_RAW"
std::string capability_name(std::string_view written) {
    std::string name(written.starts_with("CAP_") || written.starts_with("cap_") ? "" : "CAP_");
    for (const char letter : written)
        name.push_back(letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter);
    return name;
}

Result<Json> capability_list(const Value& value) {
    LET(const auto written, texts(value));
    Json list = Json::array();
    for (const std::string& word : written) list.push_back(capability_name(word));
    return list;
}

constexpr std::array<std::string_view, 5> capability_sets{"bounding", "effective", "permitted", "inheritable",
                                                          "ambient"};
constexpr std::array<std::string_view, 7> capability_keys{"add",       "drop",        "bounding", "effective",
                                                          "permitted", "inheritable", "ambient"};

// Sets three sets and removes the ambient one of the default document, because the kernel would not raise it.
void set_capabilities(Document& document, const Json& list, const Value& value, std::string_view pointer) {
    document.at(pointer) = Json::object();
    for (const std::string_view set : std::span(capability_sets).first<3>())
        document.put(cat(pointer, "/", set), list, value);
}

void drop(Json& list, const Json& dropped) {
    const auto is_dropped = [&](const Json& name) {
        return std::ranges::find(dropped, Json("CAP_ALL")) != dropped.end() ||
               std::ranges::find(dropped, name) != dropped.end();
    };
    Json kept = Json::array();
    for (const Json& name : list)
        if (!is_dropped(name)) kept.push_back(name);
    list = std::move(kept);
}

void add(Json& list, const Json& added) {
    for (const Json& name : added)
        if (std::ranges::find(list, name) == list.end()) list.push_back(name);
}

// Removes from the default set what `drop` names, then adds what `add` names.
Result<> change_capabilities(Document& document, const Value& value, std::string_view pointer) {
    Json list = document.at(cat(pointer, "/bounding"));
    const yaml::Node* dropped = value.node->find("drop");
    const yaml::Node* added = value.node->find("add");
    if (dropped) {
        LET(const auto names, capability_list({dropped, value.name, cat(value.path, "/drop")}));
        drop(list, names);
    }
    if (added) {
        LET(const auto names, capability_list({added, value.name, cat(value.path, "/add")}));
        add(list, names);
    }
    set_capabilities(document, list, value, pointer);
    return {};
}

constexpr std::array<std::string_view, 4> user_keys{"uid", "gid", "groups", "umask"};

Result<> put_id(Document& document, const Value& value, std::string_view pointer) {
    LET(const auto id, whole(value, 0, 4294967294));
    document.put(pointer, id, value);
    return {};
}

Result<> put_groups(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_list(value));
    document.put(pointer, Json::array(), value);
    for (std::size_t i = 0; i < value.node->items.size(); ++i)
        TRY(put_id(document, value.item(i), cat(pointer, "/", i)));
    return {};
}

Result<> put_user_map(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_keys(value, user_keys));
    for (const yaml::Entry& entry : value.node->entries) {
        const Value part = value.member(entry);
        if (entry.key == "uid" || entry.key == "gid")
            TRY(put_id(document, part, cat(pointer, "/", entry.key)));
        if (entry.key == "groups") TRY(put_groups(document, part, cat(pointer, "/additionalGids")));
        if (entry.key != "umask") continue;
        LET(const auto mask, mode(part));
        document.put(cat(pointer, "/umask"), mask, part);
    }
    return {};
}

constexpr std::array<std::string_view, 2> rlimit_keys{"soft", "hard"};

// RLIM_INFINITY is the largest number there is.
Result<Json> rlimit_bound(const Value& value) {
    LET(const auto bound, size_or_unlimited(value));
    return Json(static_cast<std::uint64_t>(bound));
}

// 1024, "256:512", {soft: 256, hard: unlimited}
Result<Json> rlimit(const Value& value) {
    if (value.is(Kind::map)) {
        TRY(require_keys(value, rlimit_keys));
        Json made = Json::object();
        for (const yaml::Entry& entry : value.node->entries) {
            LET(made[entry.key], rlimit_bound(value.member(entry)));
        }
        return made;
    }
    LET(const auto written, text(value));
    const std::size_t colon = written.find(':');
    yaml::Node soft = *value.node;
    yaml::Node hard = *value.node;
    soft.text = written.substr(0, colon);
    hard.text = written.substr(colon == written.npos ? 0 : colon + 1);
    LET(auto soft_bound, rlimit_bound({&soft, value.name, value.path}));
    LET(auto hard_bound, rlimit_bound({&hard, value.name, value.path}));
    return Json{{"soft", std::move(soft_bound)}, {"hard", std::move(hard_bound)}};
}

std::string rlimit_name(std::string_view written) {
    std::string name = capability_name(written).substr(4);
    return name.starts_with("RLIMIT_") ? name : cat("RLIMIT_", name);
}

}  // namespace

Result<> put_command(Document& document, const Value& value, std::string_view pointer) {
    LET(auto command, words(value));
    if (command.empty()) return value.refuse("must have a word");
    document.put(pointer, std::move(command), value);
    return {};
}

Result<> put_env(Document& document, const Value& value, std::string_view pointer) {
    if (value.is(Kind::sequence)) {
        LET(const auto list, texts(value));
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i].find('=') == list[i].npos || list[i].starts_with('='))
                return value.item(i).refuse("must be NAME=VALUE");
            set_variable(document, pointer, list[i], value.item(i));
        }
        return {};
    }
    if (!value.is(Kind::map)) return value.refuse("must be a map, or a list of NAME=VALUE");
    for (const yaml::Entry& entry : value.node->entries) {
        if (entry.key.empty() || entry.key.contains('='))
            return value.member(entry).refuse("a name may not have \"=\" in it, nor be empty");
        LET(const auto written, text(value.member(entry)));
        set_variable(document, pointer, cat(entry.key, "=", written), value.member(entry));
    }
    return {};
}

Result<> put_capabilities(Document& document, const Value& value, std::string_view pointer) {
    if (value.is(Kind::sequence)) {
        LET(const auto list, capability_list(value));
        set_capabilities(document, list, value, pointer);
        return {};
    }
    if (!value.is(Kind::map)) return value.refuse("must be a list, or a map of add, drop and sets");
    TRY(require_keys(value, capability_keys));
    TRY(change_capabilities(document, value, pointer));
    for (const std::string_view set : capability_sets) {
        const yaml::Node* given = value.node->find(set);
        if (!given) continue;
        const Value part{given, value.name, cat(value.path, "/", set)};
        LET(auto list, capability_list(part));
        document.put(cat(pointer, "/", set), std::move(list), part);
    }
    return {};
}

Result<> put_user(Document& document, const Value& value, std::string_view pointer) {
    if (value.is(Kind::map)) return put_user_map(document, value, pointer);
    LET(const auto written, text(value));
    const std::size_t colon = written.find(':');
    const auto uid = parse_decimal<std::uint32_t>(written.substr(0, colon));
    const auto gid = colon == written.npos ? uid : parse_decimal<std::uint32_t>(written.substr(colon + 1));
    if (!uid || !gid)
        return value.refuse("must be UID, UID:GID, or a map of uid, gid, groups and umask; in numbers");
    document.put(cat(pointer, "/uid"), *uid, value);
    document.put(cat(pointer, "/gid"), *gid, value);
    return {};
}

Result<> put_rlimits(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_map(value));
    document.put(pointer, Json::array(), value);
    for (const yaml::Entry& entry : value.node->entries) {
        LET(auto bounds, rlimit(value.member(entry)));
        Json made{{"type", rlimit_name(entry.key)}};
        made.update(bounds);
        document.append(pointer, std::move(made), value.member(entry));
    }
    return {};
}

}  // namespace bulkhead::spec::short_form
