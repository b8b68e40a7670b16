// SPDX-License-Identifier: Apache-2.0
// The scalars of the core schema (YAML 1.2, section 10.3.2): its regular expressions as code.
#include <algorithm>
#include <initializer_list>

#include "base/yaml.hpp"

namespace bulkhead::yaml {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

bool consists_of(std::string_view text, std::string_view letters) {
    return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

constexpr std::string_view digits = "0123456789";

std::string_view without_sign(std::string_view text) {
    return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

bool is_integer(std::string_view text) {
    if (text.starts_with("0x")) return consists_of(text.substr(2), "0123456789abcdefABCDEF");
    if (text.starts_with("0o")) return consists_of(text.substr(2), "01234567");
    return consists_of(without_sign(text), digits);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_real(std::string_view text) {
    if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
    text = without_sign(text);
    if (is_one_of(text, {".inf", ".Inf", ".INF"})) return true;
    const std::size_t exponent = text.find_first_of("eE");
    if (exponent != text.npos && !consists_of(without_sign(text.substr(exponent + 1)), digits)) return false;
    text = text.substr(0, exponent);
    const std::size_t point = text.find('.');
    const std::string_view fraction = point == text.npos ? "" : text.substr(point + 1);
    const bool has_fraction = consists_of(fraction, digits);
    return point == 0 ? has_fraction
                      : consists_of(text.substr(0, point), digits) && (fraction.empty() || has_fraction);
}

}  // namespace

ScalarType scalar_type(const Node& node) {
    if (node.is(Node::Kind::null)) return ScalarType::null;
    if (!node.plain) return ScalarType::string;
    if (is_one_of(node.text, {"", "~", "null", "Null", "NULL"})) return ScalarType::null;
    if (is_one_of(node.text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return ScalarType::boolean;
    if (is_integer(node.text)) return ScalarType::integer;
    return is_real(node.text) ? ScalarType::real : ScalarType::string;
}

}  // namespace bulkhead::yaml
