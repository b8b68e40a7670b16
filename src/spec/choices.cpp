// SPDX-License-Identifier: Apache-2.0
#include "spec/choices.hpp"

#include "base/json_writer.hpp"
#include "base/text.hpp"

namespace bulkhead::spec {

namespace {

constexpr std::string_view in_process = "\t\t", in_capabilities = "\t\t\t";  // the indentation of a member

// The value of the one member of this name that is a scalar.
void replace_scalar(std::string& document, std::string_view name, std::string_view value) {
    const std::string opening = cat('"', name, "\": ");
    const std::size_t begin = document.find(opening) + opening.size();
    document.replace(begin, document.find_first_of(",\n", begin) - begin, value);
}

void replace_bool(std::string& document, std::string_view name, std::optional<bool> value) {
    if (value) replace_scalar(document, name, *value ? "true" : "false");
}

// The items, as JSON, of the one array of this name.
void replace_items(std::string& document, std::string_view name, std::string_view indent,
                   const std::vector<std::string>& items) {
    const std::string opening = cat('"', name, "\": ["), closing = cat('\n', indent, ']');
    const std::size_t begin = document.find(opening) + opening.size();
    const std::size_t end = document.find(closing, begin) + closing.size() - 1;
    std::string fresh;
    for (const std::string& item : items) fresh += cat(fresh.empty() ? "" : ",", '\n', indent, '\t', item);
    if (!items.empty()) fresh += cat('\n', indent);
    document.replace(begin, end - begin, fresh);
}

std::vector<std::string> in_json(const std::vector<std::string>& texts) {
    std::vector<std::string> items;
    for (const std::string& text : texts) items.push_back(json_string(text));
    return items;
}

std::vector<std::string> in_json(const std::vector<ChosenLimit>& limits) {
    std::vector<std::string> items;
    for (const ChosenLimit& limit : limits) {
        JsonWriter writer("\t", 3);
        writer.object(JsonWriter::Style::lines).member("type", limit.type);
        writer.member("hard", limit.value).member("soft", limit.value).end();
        items.push_back(std::move(writer).text());
    }
    return items;
}

}  // namespace

std::string with_choices(std::string document, const Choices& choices) {
    if (choices.hostname) replace_scalar(document, "hostname", json_string(*choices.hostname));
    replace_bool(document, "terminal", choices.terminal);
    replace_bool(document, "noNewPrivileges", choices.no_new_privileges);
    replace_bool(document, "readonly", choices.readonly);
    if (choices.env) replace_items(document, "env", in_process, in_json(*choices.env));
    if (choices.rlimits) replace_items(document, "rlimits", in_process, in_json(*choices.rlimits));
    if (choices.capabilities)
        for (const std::string_view set : {"bounding", "effective", "permitted", "ambient"})
            replace_items(document, set, in_capabilities, in_json(*choices.capabilities));
    return document;
}

}  // namespace bulkhead::spec
