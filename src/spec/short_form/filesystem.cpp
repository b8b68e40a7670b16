// SPDX-License-Identifier: Apache-2.0
// The keys that make the container's file system: mounts, layers, device nodes and their rules.
#include <algorithm>
#include <array>
#include <optional>

#include "spec/short_form/document.hpp"

namespace bulkhead::spec::short_form {

using Kind = yaml::Node::Kind;

namespace {

constexpr std::array<std::string_view, 7> mount_keys{"type", "source",      "destination", "options",
                                                     "size", "uidMappings", "gidMappings"};

Json list_of(std::string_view commas) {
    Json list = Json::array();
    for (const std::string_view word : split(commas, ',')) list.push_back(std::string(word));
    return list;
}

// SOURCE:DESTINATION[:OPTION,...]
Result<Json> bind(const Value& value) {
    LET(const auto written, text(value));
    const auto parts = split(written, ':');
    if (parts.size() < 2 || parts.size() > 3 || std::ranges::find(parts, "") != parts.end())
        return value.refuse("must be SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS, or a map");
    Json options = Json::array({"rbind"});
    if (parts.size() == 3)
        for (const Json& option : list_of(parts[2])) options.push_back(option);
    return Json{
        {"destination", parts[1]}, {"type", "bind"}, {"source", parts[0]}, {"options", std::move(options)}};
}

Result<Json> mount_options(const Value& value) {
    if (value.is(Kind::scalar)) return list_of(value.node->text);
    LET(auto list, texts(value));
    return Json(std::move(list));
}

// CONTAINER:HOST:SIZE
Result<Json> id_mapping(const Value& value) {
    LET(const auto written, text(value));
    std::vector<std::uint32_t> numbers;
    for (const std::string_view part : split(written, ':'))
        if (const auto number = parse_decimal<std::uint32_t>(part)) numbers.push_back(*number);
    if (numbers.size() != 3 || split(written, ':').size() != 3)
        return value.refuse("must be CONTAINERID:HOSTID:SIZE, in numbers");
    return Json{{"containerID", numbers[0]}, {"hostID", numbers[1]}, {"size", numbers[2]}};
}

Result<Json> id_mappings(const Value& value) {
    TRY(require_list(value));
    Json list = Json::array();
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        LET(auto mapping, id_mapping(value.item(i)));
        list.push_back(std::move(mapping));
    }
    return list;
}

// The value of one key of a mount; `size` is an option of a tmpfs.
Result<> put_mount_key(Json& mount, const std::string& key, const Value& value) {
    if (key == "options") {
        LET(mount[key], mount_options(value));
    } else if (key == "uidMappings" || key == "gidMappings") {
        LET(mount[key == "uidMappings" ? "uidMappings" : "gidMappings"], id_mappings(value));
    } else if (key != "size") {
        LET(mount[key], text(value));
    }
    return {};
}

Result<Json> mount_of(const Value& value) {
    if (value.is(Kind::scalar)) return bind(value);
    TRY(require_keys(value, mount_keys));
    Json mount = Json::object();
    if (!value.node->find("destination")) return value.refuse("destination is required");
    mount["destination"] = "";  // first, as in the standard's examples
    for (const yaml::Entry& entry : value.node->entries)
        TRY(put_mount_key(mount, entry.key, value.member(entry)));
    if (const yaml::Node* given = value.node->find("size")) {
        const Value bound{given, value.name, cat(value.path, "/size")};
        if (mount.value("type", "") != "tmpfs") return bound.refuse("only a tmpfs has a size");
        LET(const auto bytes, size(bound));
        mount["options"].push_back(cat("size=", bytes));
    }
    return mount;
}

void put_mount(Document& document, Json mount, const Value& value, std::string_view pointer) {
    const Json& list = document.at(pointer);
    const auto twin = std::ranges::find_if(
        list, [&](const Json& other) { return other["destination"] == mount["destination"]; });
    if (twin == list.end()) return document.append(pointer, std::move(mount), value);
    document.put(cat(pointer, "/", twin - list.begin()), std::move(mount), value);
}

constexpr std::array<std::string_view, 4> layer_keys{"lower", "upper", "work", "size"};

Result<> put_annotation(Document& document, const Value& value, std::string_view name) {
    LET(auto written, text(value));
    document.put(cat("/annotations/run.bulkhead.overlay.", name), std::move(written), value);
    return {};
}

Result<> put_lower(Document& document, const Value& value) {
    LET(const auto list, texts(value));
    if (list.empty()) return value.refuse("must have a layer");
    for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i].contains(':')) return value.item(i).refuse("a layer's path may not have \":\" in it");
    document.put("/annotations/run.bulkhead.overlay.lower", join(list, ":"), value);
    return {};
}

constexpr std::array<std::string_view, 8> device_keys{"path", "type", "major", "minor",
                                                      "mode", "uid",  "gid",   "access"};

Result<> put_device_key(Json& device, const std::string& key, const Value& value) {
    const bool is_text = key == "path" || key == "type";
    if (key == "access") return {};
    if (is_text) {
        LET(device[key], text(value));
    } else if (key == "mode") {
        LET(device["fileMode"], mode(value));
    } else {
        LET(device[key], whole(value, 0, 4294967294));
    }
    return {};
}

// A node alone is useless, so the rule that lets the container open it is added. `access: none` leaves it
// out.
Result<> put_access(Document& document, const Json& device, const Value& value) {
    const std::string type = device.value("type", "");
    const yaml::Node* given = value.node->find("access");
    if ((type != "b" && type != "c" && type != "u") || (given && given->text == "none")) return {};
    Json rule{{"allow", true}, {"type", type == "u" ? "c" : type}};
    for (const auto* number : {"major", "minor"})
        if (device.contains(number)) rule[number] = device[number];
    rule["access"] = given ? given->text : "rwm";
    document.append("/linux/resources/devices", std::move(rule), value);
    return {};
}

// [deny] TYPE MAJOR:MINOR ACCESS, a number or *: "c 1:* rm"
std::optional<Json> device_rule(std::string_view written) {
    const bool is_denied = written.starts_with("deny ");
    const auto parts = split(is_denied ? written.substr(5) : written, ' ');
    if (parts.size() != 3) return std::nullopt;
    const auto numbers = split(parts[1], ':');
    if (numbers.size() != 2) return std::nullopt;
    Json rule{{"allow", !is_denied}, {"type", parts[0]}};
    for (std::size_t i = 0; i < 2; ++i) {
        const auto number = parse_decimal<std::uint32_t>(numbers[i]);
        if (!number && numbers[i] != "*") return std::nullopt;
        if (number) rule[i == 0 ? "major" : "minor"] = *number;
    }
    rule["access"] = parts[2];
    return rule;
}

}  // namespace

Result<> put_mounts(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_list(value));
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        LET(auto mount, mount_of(value.item(i)));
        put_mount(document, std::move(mount), value.item(i), pointer);
    }
    return {};
}

Result<> put_layers(Document& document, const Value& value, std::string_view) {
    if (value.is(Kind::sequence)) return put_lower(document, value);
    if (!value.is(Kind::map))
        return value.refuse("must be a list of layers, or a map of lower, upper, work and size");
    TRY(require_keys(value, layer_keys));
    if (!value.node->find("lower")) return value.refuse("lower is required");
    for (const yaml::Entry& entry : value.node->entries) {
        if (entry.key == "lower")
            TRY(put_lower(document, value.member(entry)));
        else
            TRY(put_annotation(document, value.member(entry), entry.key));
    }
    return {};
}

Result<> put_devices(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_list(value));
    document.put(pointer, Json::array(), value);
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        const Value node = value.item(i);
        TRY(require_keys(node, device_keys));
        Json device = Json::object();
        for (const yaml::Entry& entry : node.node->entries)
            TRY(put_device_key(device, entry.key, node.member(entry)));
        TRY(put_access(document, device, node));
        document.append(pointer, std::move(device), node);
    }
    return {};
}

Result<> put_device_rules(Document& document, const Value& value, std::string_view pointer) {
    LET(const auto list, texts(value));
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto rule = device_rule(list[i]);
        if (!rule)
            return value.item(i).refuse(
                "must be TYPE MAJOR:MINOR ACCESS, such as \"c 1:* rm\", or deny and that");
        document.append(pointer, std::move(*rule), value.item(i));
    }
    return {};
}

Result<> put_id_mappings(Document& document, const Value& value, std::string_view pointer) {
    LET(auto list, id_mappings(value));
    document.put(pointer, std::move(list), value);
    return {};
}

}  // namespace bulkhead::spec::short_form
