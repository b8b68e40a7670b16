// SPDX-License-Identifier: Apache-2.0
#include "spec/short_form/document.hpp"

#include <charconv>

namespace bulkhead::spec::short_form {

using Kind = yaml::Node::Kind;

namespace {

// Decimal, 0x or 0o, with a sign or without.
std::optional<Json> integer(std::string_view written) {
    const bool is_negative = written.starts_with('-');
    if (is_negative || written.starts_with('+')) written.remove_prefix(1);
    const int base = written.starts_with("0x") ? 16 : written.starts_with("0o") ? 8 : 10;
    if (base != 10) written.remove_prefix(2);
    std::uint64_t number{};
    const auto [stop, error] = std::from_chars(written.data(), written.data() + written.size(), number, base);
    if (error != std::errc{} || (is_negative && number > std::uint64_t{1} << 63)) return std::nullopt;
    return is_negative ? Json(static_cast<std::int64_t>(0 - number)) : Json(number);
}

std::optional<Json> real(std::string_view written) {
    if (written.starts_with('+')) written.remove_prefix(1);
    double number{};
    const auto [stop, error] = std::from_chars(written.data(), written.data() + written.size(), number);
    if (error != std::errc{} || stop != written.data() + written.size()) return std::nullopt;  // .inf
    return Json(number);
}

Result<Json> scalar(const Value& value) {
    const std::string& written = value.node->text;
    switch (yaml::scalar_type(*value.node)) {
        case yaml::ScalarType::null: return Json(nullptr);
        case yaml::ScalarType::boolean: return Json(lower(written) == "true");
        case yaml::ScalarType::string: return Json(written);
        case yaml::ScalarType::integer:
            if (auto number = integer(written)) return std::move(*number);
            break;
        case yaml::ScalarType::real:
            if (auto number = real(written)) return std::move(*number);
            break;
    }
    return value.refuse("a number that JSON cannot say");
}

}  // namespace

Result<Json> json_of(const Value& value) {
    if (value.is(Kind::null)) return Json(nullptr);
    if (value.is(Kind::scalar)) return scalar(value);
    Json made = value.is(Kind::map) ? Json::object() : Json::array();
    for (const yaml::Entry& entry : value.node->entries) {
        LET(made[entry.key], json_of(value.member(entry)));
    }
    for (std::size_t i = 0; i < value.node->items.size(); ++i) {
        LET(auto item, json_of(value.item(i)));
        made.push_back(std::move(item));
    }
    return made;
}

void Document::put(std::string_view pointer, Json json, const Value& value) {
    at(pointer) = std::move(json);
    mark(pointer, value);
}

void Document::append(std::string_view pointer, Json json, const Value& value) {
    Json& list = at(pointer);
    mark(cat(pointer, "/", list.size()), value);
    list.push_back(std::move(json));
}

void Document::mark(std::string_view pointer, const Value& value) {
    marks_.insert_or_assign(std::string(pointer), value.node->mark);
    for (const yaml::Entry& entry : value.node->entries)
        mark(cat(pointer, "/", pointer_token(entry.key)), value.member(entry));
    for (std::size_t i = 0; i < value.node->items.size(); ++i) mark(cat(pointer, "/", i), value.item(i));
}

void Document::merge(const Json& patch, const Value& value) {
    json_.merge_patch(patch);
    mark("", value);
}

yaml::Mark Document::place_of(std::string_view pointer) const {
    for (;;) {
        if (const auto known = marks_.find(pointer); known != marks_.end()) return known->second;
        if (pointer.empty()) return {};
        pointer = pointer.substr(0, pointer.rfind('/'));
    }
}

Result<> put_text(Document& document, const Value& value, std::string_view pointer) {
    LET(auto written, text(value));
    document.put(pointer, std::move(written), value);
    return {};
}

Result<> put_whole(Document& document, const Value& value, std::string_view pointer) {
    LET(const auto number, whole(value));
    document.put(pointer, number, value);
    return {};
}

Result<> put_text_map(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_map(value));
    Json& object = document.at(pointer);
    if (object.is_null()) object = Json::object();
    for (const yaml::Entry& entry : value.node->entries) {
        LET(object[entry.key], text(value.member(entry)));
    }
    document.mark(pointer, value);
    return {};
}

}  // namespace bulkhead::spec::short_form
