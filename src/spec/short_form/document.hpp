// SPDX-License-Identifier: Apache-2.0
// The config.json that the short form is written into: nlohmann's ordered JSON, and the place of the key of
// the form that has written each value.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "spec/short_form/short_form.hpp"
#include "spec/short_form/values.hpp"

namespace bulkhead::spec::short_form {

using Json = nlohmann::ordered_json;

// Any value as JSON: a scalar without quotes has the type of YAML's core schema.
Result<Json> json_of(const Value& value);

class Document {
  public:
    explicit Document(const FormInputs& inputs) : inputs_(&inputs), json_(Json::parse(inputs.base)) {}

    const FormInputs& inputs() const { return *inputs_; }
    // The place; made if it is not there.
    Json& at(std::string_view pointer) { return json_[Json::json_pointer(std::string(pointer))]; }
    void remove(std::string_view object, std::string_view key) { at(object).erase(std::string(key)); }

    // Puts a value there. `value` stands for it in errors, and so does each part of it for that part.
    void put(std::string_view pointer, Json json, const Value& value);
    // After the last element of a list.
    void append(std::string_view pointer, Json json, const Value& value);
    void mark(std::string_view pointer, const Value& value);
    // RFC 7386.
    void merge(const Json& patch, const Value& value);

    std::string text() const { return json_.dump(1, '\t'); }
    // The place of the longest prefix of the pointer that came from the form.
    yaml::Mark place_of(std::string_view pointer) const;

  private:
    const FormInputs* inputs_;
    Json json_;
    std::map<std::string, yaml::Mark, std::less<>> marks_;
};

// Each writes one key's value.
using Apply = Result<> (*)(Document& document, const Value& value, std::string_view pointer);
struct Key {
    std::string_view name;
    Apply apply;
    std::string_view pointer;  // the place that it writes to
};

Result<> put_text(Document& document, const Value& value, std::string_view pointer);
// A map of texts: `msgmax: 16384` is the text 16384.
Result<> put_text_map(Document& document, const Value& value, std::string_view pointer);
Result<> put_whole(Document& document, const Value& value, std::string_view pointer);

Result<> put_capabilities(Document& document, const Value& value, std::string_view pointer);
Result<> put_command(Document& document, const Value& value, std::string_view pointer);
Result<> put_device_rules(Document& document, const Value& value, std::string_view pointer);
Result<> put_devices(Document& document, const Value& value, std::string_view pointer);
Result<> put_env(Document& document, const Value& value, std::string_view pointer);
Result<> put_hooks(Document& document, const Value& value, std::string_view pointer);
Result<> put_id_mappings(Document& document, const Value& value, std::string_view pointer);
Result<> put_layers(Document& document, const Value& value, std::string_view pointer);
Result<> put_limits(Document& document, const Value& value, std::string_view pointer);
Result<> put_mounts(Document& document, const Value& value, std::string_view pointer);
Result<> put_namespaces(Document& document, const Value& value, std::string_view pointer);
Result<> put_net_devices(Document& document, const Value& value, std::string_view pointer);
Result<> put_rlimits(Document& document, const Value& value, std::string_view pointer);
Result<> put_seccomp(Document& document, const Value& value, std::string_view pointer);
Result<> put_time_offsets(Document& document, const Value& value, std::string_view pointer);
Result<> put_user(Document& document, const Value& value, std::string_view pointer);

}  // namespace bulkhead::spec::short_form
