// SPDX-License-Identifier: Apache-2.0
#include "spec/short_form/short_form.hpp"

#include <algorithm>
#include <array>

#include "spec/parse.hpp"
#include "spec/short_form/document.hpp"
#include "spec/validate.hpp"

namespace bulkhead::spec::short_form {

namespace {

Result<> put_truth(Document& document, const Value& value, std::string_view pointer) {
    LET(const bool is_true, truth(value));
    document.put(pointer, is_true, value);
    return {};
}

Result<> put_texts(Document& document, const Value& value, std::string_view pointer) {
    LET(auto list, texts(value));
    document.put(pointer, std::move(list), value);
    return {};
}

// An object of the standard, with the standard's names.
Result<> put_object(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_map(value));
    LET(auto object, json_of(value));
    document.put(pointer, std::move(object), value);
    return {};
}

Result<> put_config(Document& document, const Value& value, std::string_view) {
    TRY(require_map(value));
    LET(const auto patch, json_of(value));
    document.merge(patch, value);
    return {};
}

constexpr std::array keys{
    Key{"affinity", put_object, "/process/execCPUAffinity"},
    Key{"annotations", put_text_map, "/annotations"},
    Key{"apparmor", put_text, "/process/apparmorProfile"},
    Key{"capabilities", put_capabilities, "/process/capabilities"},
    Key{"cgroup", put_text, "/linux/cgroupsPath"},
    Key{"command", put_command, "/process/args"},
    Key{"config", put_config, ""},
    Key{"cwd", put_text, "/process/cwd"},
    Key{"deviceRules", put_device_rules, "/linux/resources/devices"},
    Key{"devices", put_devices, "/linux/devices"},
    Key{"domainname", put_text, "/domainname"},
    Key{"env", put_env, "/process/env"},
    Key{"gidMappings", put_id_mappings, "/linux/gidMappings"},
    Key{"hooks", put_hooks, "/hooks"},
    Key{"hostname", put_text, "/hostname"},
    Key{"ioPriority", put_object, "/process/ioPriority"},
    Key{"layers", put_layers, "/annotations"},
    Key{"limits", put_limits, "/linux/resources"},
    Key{"maskedPaths", put_texts, "/linux/maskedPaths"},
    Key{"mounts", put_mounts, "/mounts"},
    Key{"namespaces", put_namespaces, "/linux/namespaces"},
    Key{"netDevices", put_net_devices, "/linux/netDevices"},
    Key{"noNewPrivileges", put_truth, "/process/noNewPrivileges"},
    Key{"oomScoreAdj", put_whole, "/process/oomScoreAdj"},
    Key{"personality", put_object, "/linux/personality"},
    Key{"readonly", put_truth, "/root/readonly"},
    Key{"readonlyPaths", put_texts, "/linux/readonlyPaths"},
    Key{"rlimits", put_rlimits, "/process/rlimits"},
    Key{"rootfs", put_text, "/root/path"},
    Key{"rootfsPropagation", put_text, "/linux/rootfsPropagation"},
    Key{"scheduler", put_object, "/process/scheduler"},
    Key{"seccomp", put_seccomp, "/linux/seccomp"},
    Key{"selinux", put_text, "/process/selinuxLabel"},
    Key{"sysctl", put_text_map, "/linux/sysctl"},
    Key{"terminal", put_truth, "/process/terminal"},
    Key{"timeOffsets", put_time_offsets, "/linux/timeOffsets"},
    Key{"uidMappings", put_id_mappings, "/linux/uidMappings"},
    Key{"user", put_user, "/process/user"},
};
static_assert(std::ranges::is_sorted(keys, {}, &Key::name));

constexpr auto key_names = [] {
    std::array<std::string_view, keys.size()> names;
    std::ranges::transform(keys, names.begin(), &Key::name);
    return names;
}();

// In the order of the table, whatever the form's order is; `config` last, because it is merged over all
// others.
Result<> apply_keys(Document& document, const Value& form) {
    TRY(require_keys(form, key_names));
    for (const Key& key : keys) {
        const yaml::Node* node = key.name == "config" ? nullptr : form.node->find(key.name);
        if (node) TRY(key.apply(document, Value{node, form.name, cat("/", key.name)}, key.pointer));
    }
    const yaml::Node* patch = form.node->find("config");
    return patch ? put_config(document, Value{patch, form.name, "/config"}, "") : Result<>{};
}

// "config.json: /process/cwd: ..." at the key that has written /process/cwd, or an object around it.
Error located(Error error, const Document& document, std::string_view name) {
    constexpr std::string_view prefix = "config.json: ";
    std::string_view rest = error.text;
    if (rest.starts_with(prefix)) rest.remove_prefix(prefix.size());
    const std::string_view pointer = rest.starts_with('/') ? rest.substr(0, rest.find(": ")) : "";
    const yaml::Mark mark = document.place_of(pointer);
    error.text = cat(name, ":", mark.line, ":", mark.column, ": ", rest);
    return error;
}

Result<> check(const std::string& text) {
    LET(auto parsed, parse(text));
    TRY(validate(std::move(parsed)));
    return {};
}

}  // namespace

std::string profile_path(const yaml::Node& form) {
    const yaml::Node* node = form.find("seccomp");
    const bool is_path = node && node->is(yaml::Node::Kind::scalar) && node->text.contains('/');
    return is_path ? node->text : "";
}

Result<std::string> compile(const yaml::Node& form, std::string_view name, const FormInputs& inputs) {
    Document document(inputs);
    document.at("/process/terminal") = false;
    TRY(apply_keys(document, Value{&form, name, ""}));
    std::string text = document.text();
    if (auto checked = check(text); !checked)
        return std::unexpected(located(std::move(checked).error(), document, name));
    return text;
}

}  // namespace bulkhead::spec::short_form
